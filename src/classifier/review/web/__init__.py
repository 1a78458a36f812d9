"""The review page: server-rendered, in Vietnamese and English, keyboard first, usable without JavaScript."""
