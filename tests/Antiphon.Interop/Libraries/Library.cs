namespace Antiphon.Interop.Libraries;

/// <summary>An MQTT library that plays a part in the scenarios.</summary>
public enum Library
{
    /// <summary>paho-mqtt for Python.</summary>
    Paho,

    /// <summary>MQTT.js for Node.js.</summary>
    MqttJs,

    /// <summary>Paho for C, its asynchronous half.</summary>
    PahoC,

    /// <summary>Ours, in this process.</summary>
    Antiphon,
}

/// <summary>The broker between the two sides.</summary>
public enum Middle
{
    /// <summary>Ours.</summary>
    Antiphon,

    /// <summary>Debian's.</summary>
    Mosquitto,
}
