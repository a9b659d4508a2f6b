"""A webhook endpoint in Flask: answers at once, works in the background, and lets only signed requests in.

Environment:
  WEBHOOK_SECRET  the webhook's secret, whsec_...; several with spaces between while it is being rotated
  PORT            the port on 127.0.0.1 (3000)
  BUSY_ONCE_FOR   an event type whose first request is answered with 503, to see the sender try again
"""

import logging
import os
import threading

from flask import Flask, request, jsonify

from signature import is_genuine

app = Flask(__name__)
secret = os.environ['WEBHOOK_SECRET']
busy_once_for = {os.environ.get('BUSY_ONCE_FOR')}


@app.before_request
def check_signature():
    if not is_genuine(secret, request.headers, request.get_data()):
        say('refused a request without a valid signature')
        return jsonify({'error': 'bad signature'}), 401


@app.before_request
def check_structure():
    if not isinstance(request.get_json(silent=True), dict):
        return jsonify({'error': 'the body must be a JSON object'}), 400


@app.before_request
def rehearse_an_outage():
    event_type = request.json.get('eventType')
    if event_type in busy_once_for:
        busy_once_for.discard(event_type)
        say(f'{event_type}: busy, answered 503')
        return jsonify({'error': 'busy, try again'}), 503


@app.route('/subverse/webhook', methods=['POST'])
def webhook():
    data = request.json
    event_type = data.get('eventType')
    created_at = data.get('createdAt')

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
        else:
            say(f'{event_type}: nothing to do')
    except Exception as e:
        say(f'Error processing webhook: {e}')


# What a real program would do here is its own affair.
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
    app.run(port=int(os.environ.get('PORT', 3000)))
