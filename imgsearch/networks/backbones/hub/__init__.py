"""KerasHub's networks: presets by name or folder, their image towers and their text towers."""
