"""Requester or responder with paho-mqtt, MQTT 5. Tried with 1.6.1.

peer.py HOST PORT QOS responder TOPIC
    Prints «ready» once subscribed, then answers each request with «PAYLOAD by paho» and the request's own User Properties, for ever.
peer.py HOST PORT QOS requester TOPIC PAYLOAD...
    Sends a request for each payload, all at once, and ends when all are answered.

Either prints each message that it received as a line of JSON.
"""

import json
import sys

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

HOST, PORT, QOS, ROLE, TOPIC, *PAYLOADS = sys.argv[1:]
QOS = int(QOS)
USER_PROPERTIES = [("step", "1"), ("step", "2"), ("room", "Küche")]


class Peer:
    def __init__(self):
        # paho-mqtt 2 has to be told which form of the callbacks is meant; 1.6 does not know the question.
        versions = getattr(mqtt, "CallbackAPIVersion", None)
        self.client = mqtt.Client(*([versions.VERSION2] if versions else []), protocol=mqtt.MQTTv5)
        self.connack = None
        self.granted = None
        self.received = []
        self.client.on_connect = self.on_connect
        self.client.on_subscribe = self.on_subscribe
        self.client.on_message = self.on_message

    def on_connect(self, client, userdata, flags, reason_code, properties):
        if reason_code != 0:
            sys.exit(f"CONNACK: {reason_code}")
        self.connack = properties

    def on_subscribe(self, client, userdata, mid, reason_codes, properties):
        if reason_codes[0].value != QOS:
            sys.exit(f"SUBACK: {reason_codes[0]}")
        self.granted = reason_codes[0]

    def on_message(self, client, userdata, message):
        line = {
            "payload": message.payload.decode(),
            "correlationData": message.properties.CorrelationData.hex(),
            "userProperties": getattr(message.properties, "UserProperty", []),
            "qos": message.qos,
        }
        print(json.dumps(line), flush=True)
        self.received.append(message)
        if ROLE == "responder":
            self.answer(message)

    def answer(self, request):
        properties = Properties(PacketTypes.PUBLISH)
        properties.CorrelationData = request.properties.CorrelationData
        properties.UserProperty = request.properties.UserProperty
        self.client.publish(request.properties.ResponseTopic, request.payload + b" by paho", QOS, properties=properties)

    def wait_until(self, happened):
        while not happened():
            error = self.client.loop()
            if error != mqtt.MQTT_ERR_SUCCESS:
                sys.exit(mqtt.error_string(error))

    def connect(self):
        properties = Properties(PacketTypes.CONNECT)
        properties.RequestResponseInformation = 1
        self.client.connect(HOST, int(PORT), properties=properties)
        self.wait_until(lambda: self.connack)

    def subscribe(self, topic):
        self.client.subscribe(topic, options=mqtt.SubscribeOptions(qos=QOS))
        self.wait_until(lambda: self.granted)

    def respond(self):
        self.subscribe(TOPIC)
        print("ready", flush=True)
        self.wait_until(lambda: False)

    def request(self):
        response_topic = getattr(self.connack, "ResponseInformation", "clients/paho") + "/answers"
        self.subscribe(response_topic)
        for number, payload in enumerate(PAYLOADS):
            properties = Properties(PacketTypes.PUBLISH)
            properties.ResponseTopic = response_topic
            properties.CorrelationData = bytes([0x00, 0xFF, number])
            properties.UserProperty = USER_PROPERTIES
            self.client.publish(TOPIC, payload, QOS, properties=properties)
        self.wait_until(lambda: len(self.received) == len(PAYLOADS))
        self.client.disconnect()


peer = Peer()
peer.connect()
peer.respond() if ROLE == "responder" else peer.request()
