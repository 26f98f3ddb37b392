"""A parent with what a web service loads, and a small database."""

import email.message
import http.client
import json
import logging
import sqlite3
import ssl
import urllib.request

kept = [email.message, http.client, json, logging, urllib.request, ssl.create_default_context()]
database = sqlite3.connect(":memory:")
database.execute("create table numbers (number integer)")
database.executemany("insert into numbers values (?)", ((number,) for number in range(100_000)))
