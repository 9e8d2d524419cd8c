"""A Django project in one file whose static files the server answers with itself.

python collected.py collectstatic --noinput
gunicorn collected:app --static /static=staticfiles
"""

import os
import sys
from pathlib import Path

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpResponse
from django.templatetags.static import static
from django.urls import path

HERE = Path(__file__).resolve().parent

settings.configure(
    ALLOWED_HOSTS=["*"],
    INSTALLED_APPS=["django.contrib.staticfiles"],
    ROOT_URLCONF=__name__,
    SECRET_KEY=os.environ.get("SECRET_KEY", "an example has no secrets"),
    STATIC_ROOT=HERE / "staticfiles",
    STATIC_URL="/static/",
    STATICFILES_DIRS=[HERE / "assets"],
    # Puts a hash of the content into each name, so that browsers may keep the files for good.
    STORAGES={"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}},
)
django.setup()


def page(request):
    return HttpResponse(f'<link rel="stylesheet" href="{static("site.css")}"><h1>Hello</h1>')


urlpatterns = [path("", page)]
app = WSGIHandler()

if __name__ == "__main__":
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
