using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Antiphon.Conformance.Brokers;
using Antiphon.Conformance.Wire;

namespace Antiphon.Conformance.Cases;

/// <summary>
/// Carries out the table of a case. A line is a connection's name, a verb and its bytes. A connection opens when its name is first used.
/// <code>
/// a > BYTES               sends
/// a >> BYTES              sends byte by byte
/// a &lt; BYTES               expects this packet next; with ` &amp; ` between several, all of them in any order;
///                         with ` or ` between such, the first that comes whole;
///                         the end of the connection is written closed
/// a &lt;* BYTES              takes such packets as long as they come, up to one that is another
/// a connects (…)          sends CONNECT with Clean Start, the client identifier "~a" and these properties, expects CONNACK 00
/// a subscribes "f" 01     sends SUBSCRIBE with this filter and these options, expects its SUBACK with the QoS asked for
/// a quiet                 sends PINGREQ and expects PINGRESP next: nothing else had come
/// a ends 81|82 (…)        expects DISCONNECT with such a code (none given: any from 80) and properties, or nothing,
///                         and then the end of the connection; in 3.1.1 always nothing
/// a refused 84            the same for CONNACK in place of DISCONNECT; in 3.1.1 with a return code of 01 to 05
/// a takes 64              from now on no packet to it may have more bytes
/// a closed                expects the end of the connection and no packet
/// a cut                   closes without DISCONNECT
/// a shuts                 says that it will send no more, and goes on receiving
/// pause 1500              lets so many milliseconds pass, where the broker's own clock is what is tested
/// </code>
/// </summary>
internal sealed class CaseRun(Case one, ProtocolVersion version, Listener broker) : IAsyncDisposable
{
    private const int ShownBytes = 120;
    private readonly Dictionary<string, RawConnection> _connections = [];
    private readonly Dictionary<string, int> _limits = [];
    private readonly Dictionary<string, byte[]?> _put = [];
    private readonly Scope _scope = new(version, BrokerUnderTest.NewUnique(), broker.Features.Told);
    private readonly StringBuilder _record = new();
    private string _step = "";
    private int _subscriptions;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        foreach (var line in one.Table.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            _step = line;
            var words = line.Split(' ', 3, StringSplitOptions.TrimEntries);
            await CarryOutAsync(words[0], words[1], words.Length > 2 ? words[2] : "", cancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var connection in _connections.Values)
        {
            await connection.DisposeAsync();
        }
    }

    private async Task CarryOutAsync(string name, string verb, string rest, CancellationToken cancellationToken)
    {
        if (name == "pause")
        {
            await Task.Delay(
                TimeSpan.FromMilliseconds(int.Parse(verb, CultureInfo.InvariantCulture)), TimeProvider.System, cancellationToken);
            return;
        }

        await OpenAsync(name, cancellationToken);
        switch (verb)
        {
            case ">":
                await SendAsync(name, Bytes(rest), cancellationToken);
                break;
            case ">>":
                foreach (var value in Bytes(rest))
                {
                    await SendAsync(name, [value], cancellationToken);
                }

                break;
            case "<":
                await ExpectAsync(name, rest, cancellationToken);
                break;
            case "<*":
                await TakeAllAsync(name, Notation.Read(rest), cancellationToken);
                break;
            case "connects":
                await SendAsync(name, Bytes($"10[ \"MQTT\" VV 02 0000 {(rest.Length > 0 ? rest : "()")} \"~{name}\" ]"), cancellationToken);
                await ExpectAsync(name, "20[ 00 00 (*) ]", cancellationToken);
                break;
            case "subscribes":
                var identifier = $"7F{++_subscriptions:X2}";
                await SendAsync(name, Bytes($"82[ {identifier} () {rest} ]"), cancellationToken);
                await ExpectAsync(name, $"90[ {identifier} (*) {Convert.ToInt32(rest[^2..], 16) & 3:X2} ]", cancellationToken);
                break;
            case "quiet":
                await SendAsync(name, [0xC0, 0x00], cancellationToken);
                await ExpectAsync(name, "D0 00", cancellationToken);
                break;
            case "ends":
                await ExpectEndAsync(name, version == ProtocolVersion.V5 ? WithCode("E0", "", rest) : [], cancellationToken);
                break;
            case "refused":
                await ExpectEndAsync(
                    name,
                    version == ProtocolVersion.V5 ? WithCode("20", "00", rest) : [Notation.Read("20[ 00 01|02|03|04|05 ]")],
                    cancellationToken);
                break;
            case "takes":
                _limits[name] = int.Parse(rest, CultureInfo.InvariantCulture);
                break;
            case "closed":
                await ExpectEndAsync(name, [], cancellationToken);
                break;
            case "cut":
                await _connections[name].DisposeAsync();
                break;
            case "shuts":
                _connections[name].EndSending();
                break;
            default:
                throw new FormatException($"No verb '{verb}' in: {_step}");
        }
    }

    private static Node[][] WithCode(string type, string before, string rest)
    {
        var code = rest.Split(' ', 2)[0] is { Length: > 0 } given ? given : "80+";
        var properties = rest.Contains('(', StringComparison.Ordinal) ? rest[rest.IndexOf('(', StringComparison.Ordinal)..] : "(* !11)";
        return [Notation.Read($"{type}[ {before} {code} ]"), Notation.Read($"{type}[ {before} {code} {properties} ]")];
    }

    private byte[] Bytes(string text)
    {
        var bytes = new List<byte>();
        Node.Write(Notation.Read(text), bytes, _scope);
        return [.. bytes];
    }

    private async Task OpenAsync(string name, CancellationToken cancellationToken)
    {
        if (!_connections.ContainsKey(name))
        {
            try
            {
                _connections.Add(name, await RawConnection.OpenAsync(broker.EndPoint, cancellationToken));
            }
            catch (SocketException refused)
            {
                throw Failed($"no connection to the broker ({refused.SocketErrorCode})");
            }
        }
    }

    private async Task SendAsync(string name, byte[] bytes, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(one.Limit);
        try
        {
            var sent = await _connections[name].TrySendAsync(bytes, limit.Token);
            Note(name, sent ? ">" : "> (the peer has closed)", bytes);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            Note(name, "> (not taken)", bytes);
            throw Failed($"the broker did not take it within {one.Limit.TotalSeconds} s");
        }
    }

    private async Task ExpectAsync(string name, string text, CancellationToken cancellationToken)
    {
        var choices = text.Split(" or ")
            .Select(choice => choice.Split(" & ").Select(one => one.Trim() == "closed" ? null : Notation.Read(one)).ToList())
            .ToList();
        while (choices.TrueForAll(choice => choice.Count > 0))
        {
            var packet = await ReceiveAsync(name, cancellationToken);
            choices = [.. choices.Where(choice => Strike(choice, packet))];
            if (choices.Count == 0)
            {
                throw Failed(packet is null ? "the broker closed the connection" : $"there came {Shown(packet)}");
            }
        }
    }

    /// <summary>Takes what came off the list of what is expected. Returns false if it is not there.</summary>
    private bool Strike(List<Node[]?> expected, byte[]? packet)
    {
        var found = expected.FindIndex(nodes => nodes is null || packet is null ? nodes is null && packet is null : Matches(nodes, packet));
        if (found >= 0)
        {
            expected.RemoveAt(found);
        }

        return found >= 0;
    }

    private async Task TakeAllAsync(string name, Node[] nodes, CancellationToken cancellationToken)
    {
        byte[]? packet;
        do
        {
            packet = await ReceiveAsync(name, cancellationToken);
        }
        while (packet is not null && Matches(nodes, packet));
        _put[name] = packet;
    }

    private async Task ExpectEndAsync(string name, Node[][] farewells, CancellationToken cancellationToken)
    {
        var packet = await ReceiveAsync(name, cancellationToken);
        if (packet is not null && farewells.Any(nodes => Matches(nodes, packet)))
        {
            packet = await ReceiveAsync(name, cancellationToken);
        }

        if (packet is not null)
        {
            throw Failed($"there came {Shown(packet)}");
        }
    }

    private bool Matches(Node[] nodes, byte[] packet) => _scope.Try(() =>
    {
        ReadOnlySpan<byte> rest = packet;
        return Node.Match(nodes, ref rest, _scope) && rest.IsEmpty;
    });

    private async Task<byte[]?> ReceiveAsync(string name, CancellationToken cancellationToken)
    {
        if (_put.Remove(name, out var put))
        {
            return put;
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(one.Limit);
        try
        {
            var packet = await _connections[name].ReceiveAsync(limit.Token);
            Note(name, packet is null ? "< (closed)" : "<", packet ?? []);
            return packet is null || !_limits.TryGetValue(name, out var most) || packet.Length <= most
                ? packet
                : throw Failed($"there came {packet.Length} bytes: {Shown(packet)}");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw Failed($"nothing came within {one.Limit.TotalSeconds} s");
        }
        catch (FormatException wrong)
        {
            throw Failed(wrong.Message);
        }
    }

    private CaseFailedException Failed(string what) =>
        new($"At step '{_step}': {what}.", $"{one.Sentence}. Sent (>) and received (<), ~ being {_scope.Unique}:\n{_record}");

    private void Note(string name, string direction, byte[] bytes) =>
        _record.Append(CultureInfo.InvariantCulture, $"  {name} {direction} {Shown(bytes)}\n");

    private static string Shown(byte[] bytes) =>
        bytes.Length <= ShownBytes
            ? Convert.ToHexString(bytes)
            : $"{Convert.ToHexString(bytes.AsSpan(0, ShownBytes))}… ({bytes.Length} bytes)";
}
