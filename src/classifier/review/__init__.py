"""Hands uncertain posts to people and brings their decisions back: store, queue, web page, export."""
