"""Django's place for the commands of an application: put `gunicorn` into INSTALLED_APPS."""
