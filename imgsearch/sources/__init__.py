"""Where pictures come from besides folders: object storage, web servers, tars."""
