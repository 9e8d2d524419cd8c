"""NiceGUI inside a FastAPI application."""

from fastapi import FastAPI
from nicegui import ui

app = FastAPI()


@ui.page("/")
def page():
    ui.label("hello from a page")


ui.run_with(app, storage_secret="test")
