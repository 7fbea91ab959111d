"""An ordinary day of paho: prints what was seen, as JSON. Usage: paho-day.py PORT CERTS MANY"""

import json
import queue
import socket
import sys
import threading

import paho.mqtt.client as paho

port, certs, many = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
own = "plant/s1/pump-7/telemetry/temp"
command = "plant/s1/pump-7/command/start"
patience = 30
day = {}


class Client:
    def __init__(self, name, client_id, clean=True, will=None):
        if hasattr(paho, "CallbackAPIVersion"):
            self.client = paho.Client(paho.CallbackAPIVersion.VERSION1, client_id, clean)
        else:
            self.client = paho.Client(client_id, clean)
        self.seen, self.answers = queue.Queue(), queue.Queue()
        self.client.tls_set(f"{certs}/ca.pem", f"{certs}/{name}.pem", f"{certs}/{name}.key")
        self.client.max_inflight_messages_set(100)
        self.client.max_queued_messages_set(0)
        self.client.on_connect = lambda _c, _u, flags, code: self.answers.put([code, flags.get("session present")])
        self.client.on_subscribe = lambda _c, _u, _mid, granted: self.answers.put(list(granted))
        self.client.on_message = lambda _c, _u, m: self.seen.put(
            f"{m.topic} {m.payload.decode()} qos {m.qos}{' retained' if m.retain else ''}"
        )
        if will:
            self.client.will_set(*will)
        self.client.connect("localhost", port, keepalive=60)
        self.client.loop_start()
        self.connack = self.answers.get(timeout=patience)

    def subscribe(self, topic, qos):
        self.client.subscribe(topic, qos)
        return self.answers.get(timeout=patience)

    def take(self, count):
        return [self.seen.get(timeout=patience) for _ in range(count)]

    def publish_all(self, topic, payloads, qos):
        for sent in [self.client.publish(topic, payload, qos) for payload in payloads]:
            sent.wait_for_publish()

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()


operator = Client("ops-1", "ops-1/desk")
day["operator subscribes"] = operator.subscribe("plant/s1/#", 2)
pump = Client("pump-7", "pump-7", clean=False)
day["pump subscribes"] = pump.subscribe(command, 2)
for qos in (0, 1, 2):
    payloads = [f"qos {qos} {n}" for n in range(20 if qos == 2 else many)]
    # QoS 2 one by one: of handshakes that overlap, stock aedes sends some again after a reconnect
    batches = [[one] for one in payloads] if qos == 2 else [payloads]
    up, down = [], []
    for batch in batches:
        pump.publish_all(own, batch, qos)
        up += operator.take(len(batch))
        operator.publish_all(command, batch, qos)
        down += pump.take(len(batch))
        operator.take(len(batch))
        # a round trip, so that the last acknowledgements are through on every side
        pump.subscribe(command, 2)
        operator.subscribe("plant/s1/#", 2)
    day[f"telemetry at QoS {qos}"] = up
    day[f"commands at QoS {qos}"] = down

pump.client.publish(own, "kept", 1, True).wait_for_publish()
operator.take(1)
late = Client("ops-1", "ops-1/late")
late.subscribe(own, 1)
day["a retained message"] = late.take(1)
pump.client.publish(own, "", 1, True).wait_for_publish()
day["is cleared"] = late.take(1)
late.close()

pump.close()
operator.take(1)
operator.publish_all(command, [f"offline {n}" for n in range(20)], 1)
operator.take(20)
back = Client("pump-7", "pump-7", clean=False)
day["session present"] = back.connack
day["what waited"] = back.take(20)
back.close()

doomed = Client("pump-8", "pump-8", will=("plant/s1/pump-8/telemetry/last", "gone", 1, False))
doomed.client._sock.shutdown(socket.SHUT_RDWR)
day["a will"] = operator.take(1)
doomed.client.loop_stop()
clean = Client("pump-7", "pump-7")
day["after a clean start"] = clean.connack
clean.close()
operator.close()
print(json.dumps(day))
