// Requester or responder with MQTT.js, MQTT 5.
//
// peer.mjs HOST PORT QOS responder TOPIC
//     Prints «ready» once subscribed, then answers each request with «PAYLOAD by mqtt.js» and the request's own User Properties, for ever.
// peer.mjs HOST PORT QOS requester TOPIC PAYLOAD...
//     Sends a request for each payload, all at once, and ends when all are answered.
//
// Either prints each message that it received as a line of JSON.

import mqtt from "mqtt";

const [host, port, qosArgument, role, topic, ...payloads] = process.argv.slice(2);
const qos = Number(qosArgument);
const userProperties = { step: ["1", "2"], room: "Küche" };

// No second connection: whatever goes wrong ends this program with an error.
const client = mqtt.connect({ host, port: Number(port), protocolVersion: 5, reconnectPeriod: 0, properties: { requestResponseInformation: true } });
client.on("error", fail);
client.on("close", () => {
    if (!client.disconnecting) {
        fail(new Error("The broker closed the connection."));
    }
});

function fail(error) {
    console.error(error);
    process.exit(1);
}

function print(payload, { qos, properties }) {
    console.log(JSON.stringify({
        payload: payload.toString(),
        correlationData: properties.correlationData.toString("hex"),
        // MQTT.js gives a name that came several times as one list of values.
        userProperties: Object.entries(properties.userProperties ?? {}).flatMap(([name, values]) => [values].flat().map((value) => [name, value])),
        qos,
    }));
}

async function subscribe(filter) {
    const [granted] = await client.subscribeAsync(filter, { qos });
    if (granted.qos !== qos) {
        throw new Error(`SUBACK: ${granted.qos}`);
    }
}

async function respond() {
    client.on("message", (_, payload, packet) => {
        print(payload, packet);
        const { responseTopic, correlationData, userProperties } = packet.properties;
        client.publishAsync(responseTopic, `${payload} by mqtt.js`, { qos, properties: { correlationData, userProperties } }).catch(fail);
    });
    await subscribe(topic);
    console.log("ready");
}

async function request(connack) {
    const responseTopic = `${connack.properties?.responseInformation ?? "clients/mqtt.js"}/answers`;
    let answers = 0;
    const answered = new Promise((resolve) => client.on("message", (_, payload, packet) => {
        print(payload, packet);
        if (++answers === payloads.length) {
            resolve();
        }
    }));
    await subscribe(responseTopic);
    await Promise.all(payloads.map((payload, number) =>
        client.publishAsync(topic, payload, { qos, properties: { responseTopic, correlationData: Buffer.from([0x00, 0xff, number]), userProperties } })));
    await answered;
    await client.endAsync();
}

client.once("connect", (connack) => (role === "responder" ? respond() : request(connack)).catch(fail));
