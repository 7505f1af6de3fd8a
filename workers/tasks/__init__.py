"""Task modules, imported so that Celery finds them."""
