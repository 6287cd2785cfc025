// MQTT clients with MQTT.js, as the tests tell them on standard input. The lines are described in Libraries/PeerProcess.cs.

import { readFileSync } from "node:fs";
import readline from "node:readline";
import mqtt from "mqtt";

const texts = { contentType: "contentType", responseTopic: "responseTopic" };
const numbers = {
    messageExpiry: "messageExpiryInterval",
    topicAlias: "topicAlias",
    delay: "willDelayInterval",
    sessionExpiry: "sessionExpiryInterval",
    receiveMaximum: "receiveMaximum",
    maximumPacketSize: "maximumPacketSize",
    topicAliasMaximum: "topicAliasMaximum",
    subscriptionIdentifier: "subscriptionIdentifier",
};
const flags = { payloadFormat: "payloadFormatIndicator", requestResponseInformation: "requestResponseInformation" };

function print(pairs) {
    process.stdout.write(`${new URLSearchParams(pairs)}\n`);
}

// The properties that a command asks for, as MQTT.js wants them; its keys begin with a prefix where they belong to the Will.
function propertiesOf(command, prefix = "") {
    const properties = {};
    for (const [prefixed, value] of command) {
        const key = prefixed.slice(prefix.length);
        if (!prefixed.startsWith(prefix)) {
            continue;
        } else if (key in texts) {
            properties[texts[key]] = value;
        } else if (key in numbers) {
            properties[numbers[key]] = Number(value);
        } else if (key in flags) {
            properties[flags[key]] = value === "1";
        } else if (key === "correlationData") {
            properties.correlationData = Buffer.from(value, "hex");
        } else if (key === "user") {
            // MQTT.js takes the values of one name together.
            const [name, userValue] = value.split(/=(.*)/s);
            properties.userProperties ??= {};
            (properties.userProperties[name] ??= []).push(userValue);
        }
    }
    return properties;
}

function fileOf(command, key) {
    return command.has(key) ? readFileSync(command.get(key)) : undefined;
}

class Client {
    constructor(name) {
        this.name = name;
        this.incomingStore = new mqtt.Store({ clean: false });
        this.outgoingStore = new mqtt.Store({ clean: false });
    }

    connect(command, id) {
        const will = command.has("will.topic") && {
            topic: command.get("will.topic"),
            payload: Buffer.from(command.get("will.payload"), "hex"),
            qos: Number(command.get("will.qos")),
            retain: command.get("will.retain") === "1",
            properties: propertiesOf(command, "will."),
        };
        this.connecting = id;
        this.reason = undefined;
        if (this.client) {
            this.client.options.port = Number(command.get("port"));
            this.client.options.clean = command.get("clean") === "1";
            this.client.reconnect(this);
            return;
        }
        this.version = Number(command.get("version"));
        this.client = mqtt.connect({
            protocol: command.get("scheme") ?? "mqtt",
            host: "127.0.0.1",
            port: Number(command.get("port")),
            path: "/mqtt",
            ca: fileOf(command, "ca"),
            cert: fileOf(command, "certificate"),
            key: fileOf(command, "key"),
            username: command.get("userName") ?? undefined,
            password: command.get("password") ?? undefined,
            clientId: command.get("clientId"),
            clean: command.get("clean") === "1",
            protocolVersion: this.version,
            autoAssignTopicAlias: command.get("autoAssignTopicAlias") === "1",
            properties: this.version === 5 ? propertiesOf(command) : undefined,
            will: will || undefined,
            // Nothing of its own accord: the tests say when to connect again and what to subscribe to.
            reconnectPeriod: 0,
            resubscribe: false,
            incomingStore: this.incomingStore,
            outgoingStore: this.outgoingStore,
        });
        this.client.on("connect", (connack) => {
            const responseInformation = connack.properties?.responseInformation;
            const sessionPresent = Number(connack.sessionPresent);
            print({ id: this.connecting, reason: 0, sessionPresent, ...(responseInformation && { responseInformation }) });
            this.connecting = undefined;
        });
        this.client.on("disconnect", ({ reasonCode }) => (this.reason = reasonCode));
        this.client.on("message", (topic, payload, packet) => this.tell(topic, payload, packet));
        this.client.on("error", (error) => {
            if (this.connecting) {
                print({ id: this.connecting, ...(error.code > 0 ? { reason: error.code } : { error: error.message }) });
                this.connecting = undefined;
            } else {
                console.error(`${this.name}: ${error}`);
            }
        });
        this.client.on("close", () => {
            if (this.connecting) {
                print({ id: this.connecting, error: "The connection was closed before CONNACK." });
                this.connecting = undefined;
            } else if (!this.client.disconnecting) {
                print({ event: "closed", client: this.name, ...(this.reason !== undefined && { reason: this.reason }) });
            }
        });
    }

    tell(topic, payload, { qos, retain, dup, properties = {} }) {
        const line = [["event", "message"], ["client", this.name], ["qos", qos], ["retain", Number(retain)], ["dup", Number(dup)]];
        const names = {
            ...texts,
            payloadFormat: "payloadFormatIndicator",
            messageExpiry: "messageExpiryInterval",
            topicAlias: "topicAlias",
        };
        for (const [key, name] of Object.entries(names)) {
            if (properties[name] !== undefined) {
                line.push([key, typeof properties[name] === "boolean" ? Number(properties[name]) : properties[name]]);
            }
        }
        if (properties.correlationData) {
            line.push(["correlationData", properties.correlationData.toString("hex")]);
        }
        for (const identifier of [properties.subscriptionIdentifier ?? []].flat()) {
            line.push(["subscriptionIdentifier", identifier]);
        }
        for (const [name, values] of Object.entries(properties.userProperties ?? {})) {
            for (const value of [values].flat()) {
                line.push(["user", `${name}=${value}`]);
            }
        }
        print([...line, ["topic", topic], ["payload", payload.toString("hex")]]);
    }

    async subscribe(command) {
        const options = { qos: Number(command.get("qos")) };
        if (this.version === 5) {
            options.nl = command.get("noLocal") === "1";
            options.rap = command.get("retainAsPublished") === "1";
            options.rh = Number(command.get("retainHandling") ?? 0);
            options.properties = propertiesOf(command);
        }
        try {
            const [granted] = await this.client.subscribeAsync(command.get("filter"), options);
            return { reason: granted.qos };
        } catch (error) {
            if (!error.packet) {
                throw error;
            }
            return { reason: error.packet.granted[0] };
        }
    }

    async unsubscribe(command) {
        await this.client.unsubscribeAsync(command.get("filter"));
        return {};
    }

    async publish(command) {
        try {
            await this.client.publishAsync(command.get("topic"), Buffer.from(command.get("payload"), "hex"), {
                qos: Number(command.get("qos")),
                retain: command.get("retain") === "1",
                properties: this.version === 5 ? propertiesOf(command) : undefined,
            });
        } catch (error) {
            // PUBCOMP with Packet Identifier not found is no error after a reconnect (MQTT 5 §3.7.2.1), but MQTT.js makes one of it.
            if (error.code !== 0x92) {
                throw error;
            }
        }
        return {};
    }

    async disconnect(command) {
        const how = this.version === 5 ? { reasonCode: Number(command.get("reason")), properties: propertiesOf(command) } : {};
        await this.client.endAsync(false, how);
        return {};
    }

    async forget() {
        this.client?.removeAllListeners("close");
        await this.client?.endAsync(true);
        return {};
    }
}

const clients = new Map();

readline.createInterface({ input: process.stdin, crlfDelay: Infinity }).on("line", async (text) => {
    const command = new URLSearchParams(text);
    const id = command.get("id");
    const name = command.get("client");
    if (!clients.has(name)) {
        clients.set(name, new Client(name));
    }
    const client = clients.get(name);
    if (command.get("do") === "forget") {
        clients.delete(name);
    }
    try {
        const answer = await client[command.get("do")](command, id);
        if (answer) {
            print({ id, ...answer });
        }
    } catch (error) {
        print({ id, error: String(error) });
    }
}).on("close", () => process.exit(0));
