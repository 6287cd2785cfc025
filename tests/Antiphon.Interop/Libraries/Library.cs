namespace Antiphon.Interop.Libraries;

/// <summary>An MQTT 5 library that others write.</summary>
public enum Library
{
    /// <summary>paho-mqtt for Python.</summary>
    Paho,

    /// <summary>MQTT.js for Node.js.</summary>
    MqttJs,
}

/// <summary>The broker between the two sides.</summary>
public enum Middle
{
    /// <summary>Ours.</summary>
    Antiphon,

    /// <summary>Debian's.</summary>
    Mosquitto,
}
