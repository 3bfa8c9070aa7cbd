version_info = (18, 0, 0, 'final', 0, '')
version = '18.0'
MIN_PY_VERSION = (3, 10)
