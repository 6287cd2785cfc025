"""MQTT clients with paho-mqtt, which do what the tests tell them on standard input. Tried with 1.6.1.

The lines are described in Libraries/PeerProcess.cs.
"""

import os
import select
import sys
import urllib.parse

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCodes

TEXTS = {"contentType": "ContentType", "responseTopic": "ResponseTopic"}
NUMBERS = {
    "payloadFormat": "PayloadFormatIndicator",
    "messageExpiry": "MessageExpiryInterval",
    "topicAlias": "TopicAlias",
    "delay": "WillDelayInterval",
    "sessionExpiry": "SessionExpiryInterval",
    "receiveMaximum": "ReceiveMaximum",
    "maximumPacketSize": "MaximumPacketSize",
    "topicAliasMaximum": "TopicAliasMaximum",
    "requestResponseInformation": "RequestResponseInformation",
    "subscriptionIdentifier": "SubscriptionIdentifier",
}


def print_line(pairs):
    print(urllib.parse.urlencode(pairs), flush=True)


def properties_of(packet_type, command, prefix=""):
    """The properties that a command asks for, as paho-mqtt wants them; its keys begin with a prefix where they belong to the Will."""
    properties = Properties(packet_type)
    for key, value in command.items():
        if not key.startswith(prefix):
            continue
        key = key[len(prefix) :]
        if key in TEXTS:
            setattr(properties, TEXTS[key], value)
        elif key in NUMBERS:
            setattr(properties, NUMBERS[key], int(value))
        elif key == "correlationData":
            properties.CorrelationData = bytes.fromhex(value)
        elif key == "user":
            for name_and_value in value:
                properties.UserProperty = tuple(name_and_value.split("=", 1))
    return properties


class Client:
    def __init__(self, name):
        self.name = name
        self.client = None
        self.connecting = None
        self.disconnecting = None
        self.publishing = []
        self.waiting = {}
        self.aliases = {}

    def connect(self, id, command):
        version = int(command["version"])
        if self.client is None:
            self.client = self.new_client(version, command)
        self.aliases = {}
        self.connecting = id
        more = {"clean_start": command["clean"] == "1", "properties": properties_of(PacketTypes.CONNECT, command)} if version == 5 else {}
        self.client.connect("127.0.0.1", int(command["port"]), keepalive=60, **more)

    def new_client(self, version, command):
        # paho-mqtt 2 has to be told which form of the callbacks is meant; 1.6 does not know the question.
        versions = getattr(mqtt, "CallbackAPIVersion", None)
        clean = {"clean_session": command["clean"] == "1"} if version == 4 else {}
        transport = command.get("scheme", "mqtt")
        more = {**clean, "transport": "websockets" if transport == "wss" else "tcp"}
        client = mqtt.Client(*([versions.VERSION1] if versions else []), client_id=command["clientId"], protocol=version, **more)
        if "userName" in command:
            client.username_pw_set(command["userName"], command.get("password"))
        if transport != "mqtt":
            client.tls_set(command["ca"], command.get("certificate"), command.get("key"))
        if transport == "wss":
            client.ws_set_options(path="/mqtt")
        client.suppress_exceptions = False
        client.on_connect = self.on_connect
        client.on_disconnect = self.on_disconnect
        client.on_subscribe = self.on_acknowledged
        client.on_unsubscribe = self.on_acknowledged
        client.on_message = self.on_message
        if "will.topic" in command:
            properties = properties_of(PacketTypes.WILLMESSAGE, command, "will.") if version == 5 else None
            client.will_set(
                command["will.topic"],
                bytes.fromhex(command["will.payload"]),
                int(command["will.qos"]),
                command["will.retain"] == "1",
                properties,
            )
        self.version = version
        return client

    def on_connect(self, client, userdata, flags, reason, properties=None):
        code = getattr(reason, "value", reason)
        answer = {"id": self.connecting, "reason": code, "sessionPresent": flags["session present"]}
        if hasattr(properties, "ResponseInformation"):
            answer["responseInformation"] = properties.ResponseInformation
        self.connecting = None
        print_line(answer)

    def on_disconnect(self, client, userdata, reason, properties=None):
        if self.disconnecting is not None:
            print_line({"id": self.disconnecting})
            self.disconnecting = None
        elif self.connecting is not None:
            print_line({"id": self.connecting, "error": "The connection was closed before CONNACK."})
            self.connecting = None
        else:
            print_line({"event": "closed", "client": self.name, **({"reason": reason.value} if isinstance(reason, ReasonCodes) else {})})

    def on_acknowledged(self, client, userdata, mid, *answer):
        # SUBACK has a list of codes, with 3.1.1 as numbers. UNSUBACK has none with 3.1.1, one or a list of them with 5.
        found = next((value for value in answer if isinstance(value, (list, tuple, ReasonCodes))), [0])
        codes = [found] if isinstance(found, ReasonCodes) else found
        print_line({"id": self.waiting.pop(mid), "reason": getattr(codes[0], "value", codes[0])})

    def on_message(self, client, userdata, message):
        line = [("event", "message"), ("client", self.name)]
        line += [("qos", message.qos), ("retain", int(message.retain)), ("dup", int(message.dup))]
        topic = message.topic
        # With 3.1.1 it has no such member.
        properties = getattr(message, "properties", None)
        if properties is not None:
            # paho-mqtt leaves the server's Topic Aliases to its application.
            if hasattr(properties, "TopicAlias"):
                line.append(("topicAlias", properties.TopicAlias))
                topic = self.aliases.setdefault(properties.TopicAlias, topic) if topic == "" else topic
                self.aliases[properties.TopicAlias] = topic
            for key, name in [*TEXTS.items(), ("payloadFormat", "PayloadFormatIndicator"), ("messageExpiry", "MessageExpiryInterval")]:
                if hasattr(properties, name):
                    line.append((key, getattr(properties, name)))
            if hasattr(properties, "CorrelationData"):
                line.append(("correlationData", properties.CorrelationData.hex()))
            line += [("subscriptionIdentifier", identifier) for identifier in getattr(properties, "SubscriptionIdentifier", [])]
            line += [("user", f"{name}={value}") for name, value in getattr(properties, "UserProperty", [])]
        print_line([*line, ("topic", topic), ("payload", message.payload.hex())])

    def subscribe(self, id, command):
        if self.version == 4:
            _, mid = self.client.subscribe(command["filter"], int(command["qos"]))
        else:
            options = mqtt.SubscribeOptions(
                int(command["qos"]),
                command.get("noLocal") == "1",
                command.get("retainAsPublished") == "1",
                int(command.get("retainHandling", 0)),
            )
            _, mid = self.client.subscribe(command["filter"], options=options, properties=properties_of(PacketTypes.SUBSCRIBE, command))
        self.waiting[mid] = id

    def unsubscribe(self, id, command):
        _, mid = self.client.unsubscribe(command["filter"])
        self.waiting[mid] = id

    def publish(self, id, command):
        properties = properties_of(PacketTypes.PUBLISH, command) if self.version == 5 else None
        payload = bytes.fromhex(command["payload"])
        info = self.client.publish(command["topic"], payload, int(command["qos"]), command["retain"] == "1", properties)
        self.publishing.append((id, info))

    def disconnect(self, id, command):
        self.disconnecting = id
        if self.version == 4:
            self.client.disconnect()
        else:
            reason = ReasonCodes(PacketTypes.DISCONNECT, identifier=int(command["reason"]))
            self.client.disconnect(reason, properties_of(PacketTypes.DISCONNECT, command))

    def tell_what_is_published(self):
        for id, _ in [each for each in self.publishing if each[1].is_published()]:
            print_line({"id": id})
        self.publishing = [each for each in self.publishing if not each[1].is_published()]


class Peer:
    def __init__(self):
        self.clients = {}
        self.input = b""

    def run(self):
        while True:
            connected = [peer.client for peer in self.clients.values() if peer.client and peer.client.socket()]
            clients = {client.socket(): client for client in connected}
            writing = [socket for socket, client in clients.items() if client.want_write()]
            readable, writable, _ = select.select([sys.stdin, *clients], writing, [], 1)
            for socket in writable:
                clients[socket].loop_write()
            for socket in readable:
                if socket is not sys.stdin:
                    self.read(clients[socket])
                elif not self.read_commands():
                    return
            for client in [*self.clients.values()]:
                client.tell_what_is_published()
                if client.client:
                    client.client.loop_misc()

    @staticmethod
    def read(client):
        # TLS and WebSocket may hold bytes that select does not know of any more.
        client.loop_read()
        while getattr(client.socket(), "pending", lambda: 0)() > 0:
            client.loop_read()

    def read_commands(self):
        read = os.read(sys.stdin.fileno(), 1 << 20)
        *lines, self.input = (self.input + read).split(b"\n")
        for line in lines:
            self.carry_out(urllib.parse.parse_qsl(line.decode(), keep_blank_values=True))
        return read != b""

    def carry_out(self, pairs):
        command = dict(pairs)
        for key in ("user", "will.user"):
            if key in command:
                command[key] = [value for name, value in pairs if name == key]
        id = command["id"]
        name = command["client"]
        if command["do"] == "forget":
            client = self.clients.pop(name, None)
            if client and client.client and client.client.socket():
                client.disconnecting = id
                client.client.disconnect()
            else:
                print_line({"id": id})
            return
        try:
            getattr(self.clients.setdefault(name, Client(name)), command["do"])(id, command)
        except (OSError, ValueError, mqtt.MQTTException) as error:
            print_line({"id": id, "error": f"{type(error).__name__}: {error}"})


Peer().run()
