"""The plainest endpoint in Flask: answers at once, works in a thread of its own. It believes whoever asks.

Start here, then see app.py, which checks signatures, and receiver.py, which has all that a real one needs.

Environment:
  PORT  the port on 127.0.0.1 (3000); 0 takes a free one
"""

import logging
import os
import threading

from flask import Flask, request, jsonify
from werkzeug.serving import make_server

app = Flask(__name__)


@app.route('/subverse/webhook', methods=['POST'])
def webhook():
    data = request.json
    event_type = data.get('eventType')
    created_at = data.get('createdAt')
    say(f'{event_type} of {created_at}: received')

    # Acknowledge receipt immediately
    response = jsonify({'received': True, 'eventType': event_type})

    # Process asynchronously
    thread = threading.Thread(
        target=process_webhook_async,
        args=(event_type, data.get('data'))
    )
    thread.start()

    return response, 200


def process_webhook_async(event_type, data):
    try:
        if event_type in ['call.completed', 'call.placed']:
            update_crm(data)
            send_notification(data)
        elif event_type in ['workflow.completed', 'workflow.in_queue']:
            log_workflow_results(data)
    except Exception as e:
        say(f'Error processing webhook: {e}')


# What is done here is your own affair; the folder usecases has four examples.
def update_crm(data):
    say(f"{data['callId']}: customer record updated, {data['callDuration']} s")


def send_notification(data):
    say(f"{data['callId']}: team notified, {data['callStatus']}")


def log_workflow_results(data):
    say(f"{data['executionId']}: workflow results logged, {data['status']}")


def say(text):
    # One write a line: threads do not mix their words.
    print(f'  [receiver] {text}\n', end='', flush=True)


if __name__ == '__main__':
    logging.getLogger('werkzeug').setLevel(logging.ERROR)
    # What app.run does, but it tells the port that was free.
    server = make_server('127.0.0.1', int(os.environ.get('PORT', 3000)), app, threaded=True)
    say(f'listening on port {server.server_port}')
    server.serve_forever()
