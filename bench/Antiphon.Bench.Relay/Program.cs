using System.Globalization;
using Antiphon.Bench.Relay;

if (args is not ["--port", var text] || !ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port))
{
    Console.Error.WriteLine("usage: antiphon-bench-relay --port N");
    return 2;
}

using var loop = new RelayLoop(port);
loop.Run();
return 0;
