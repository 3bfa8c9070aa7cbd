{'name': 'Stand-in'}
