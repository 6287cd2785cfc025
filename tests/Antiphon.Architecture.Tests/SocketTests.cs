using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Antiphon.Architecture.Tests;

public sealed class SocketTests
{
    private const string Broker = "Antiphon.Broker";
    private const string Transport = "Antiphon.Broker.Transport";

    [Fact]
    public void In_the_broker_only_Transport_knows_sockets_and_native_functions()
    {
        Assert.SkipUnless(House.Projects.Contains(Broker), $"{Broker} does not exist yet.");
        using var image = House.Open(Broker);
        var wrong = SocketReferences.In(image).Where(type =>
            !type.StartsWith($"{Transport}.", StringComparison.Ordinal)
            && !type.StartsWith($"{Transport}<", StringComparison.Ordinal));
        Assert.Empty(wrong);
    }

    [Fact]
    public void The_protocol_knows_no_sockets_at_all()
    {
        using var image = House.Open("Antiphon.Protocol");
        Assert.Empty(SocketReferences.In(image));
        Assert.DoesNotContain("System.Net.Sockets", House.References("Antiphon.Protocol"));
    }

    [Fact]
    public void The_search_finds_sockets_in_fields_parameters_bodies_and_native_functions()
    {
        using var image = new System.Reflection.PortableExecutable.PEReader(File.OpenRead(typeof(SocketTests).Assembly.Location));
        var found = SocketReferences.In(image);
        Assert.Contains(typeof(HasField).FullName!, found);
        Assert.Contains(typeof(HasGenericField).FullName!, found);
        Assert.Contains(typeof(HasParameter).FullName!, found);
        Assert.Contains(typeof(HasBody).FullName!, found);
        Assert.Contains(typeof(HasLambda).FullName!, found);
        Assert.Contains(typeof(HasNative).FullName!, found);
        Assert.DoesNotContain(typeof(HasNothing).FullName!, found);
    }
}

internal sealed class HasField
{
    public Socket? Field { get; set; }
}

internal sealed class HasGenericField
{
    public List<Dictionary<int, SocketError>>? Field { get; set; }
}

internal static class HasParameter
{
    public static bool Use(Socket? socket) => socket is null;
}

internal static class HasBody
{
    public static object Use() => new SocketException(1).ErrorCode;
}

internal static class HasLambda
{
    public static Func<object, bool> Use(int limit) => value => value is SocketException one && one.ErrorCode > limit;
}

internal static partial class HasNative
{
#pragma warning disable SYSLIB1054, CA5392 // Declared to be found, never called.
    [DllImport("libc")]
    public static extern int getpid();
#pragma warning restore SYSLIB1054, CA5392
}

internal static class HasNothing
{
    public static System.Net.IPEndPoint Use(string text) => System.Net.IPEndPoint.Parse(text.Length > 100_000 ? "" : text);
}
