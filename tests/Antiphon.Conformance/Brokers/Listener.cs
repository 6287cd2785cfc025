using System.Net;

namespace Antiphon.Conformance.Brokers;

/// <summary>A place where the broker listens, and what it says of itself there.</summary>
internal sealed record Listener(DnsEndPoint EndPoint, Features Features);
