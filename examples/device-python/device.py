#!/usr/bin/env python3
"""A device in Python (paho-mqtt 1.6 or 2.x): connects with its certificate, sends one measurement, and leaves.

python3 examples/device-python/device.py certs-dev pump-8 s1
"""

import sys
from os.path import join

import paho.mqtt.client as mqtt

certs, name, site, port = (sys.argv[1:] + ["certs-dev", "pump-8", "s1", "8883"][len(sys.argv) - 1 :])[:4]

# the client id must be the name in the certificate
if hasattr(mqtt, "CallbackAPIVersion"):
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION1, client_id=name, protocol=mqtt.MQTTv311)
else:
    client = mqtt.Client(client_id=name, protocol=mqtt.MQTTv311)
client.tls_set(ca_certs=join(certs, "ca.pem"), certfile=join(certs, f"{name}.pem"), keyfile=join(certs, f"{name}.key"))


def on_connect(client, _data, _flags, code):
    if code != 0:
        print(f"refused: CONNACK {code}")
        client.disconnect()
        return
    client.publish(f"plant/{site}/{name}/telemetry/temp", "21.5", qos=1)


def on_publish(client, _data, _message_id):
    print("telemetry: acknowledged")
    client.disconnect()


client.on_connect = on_connect
client.on_publish = on_publish
client.connect("localhost", int(port))
client.loop_forever()
