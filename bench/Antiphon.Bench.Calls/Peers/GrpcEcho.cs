using Grpc.Core;

namespace Antiphon.Bench.Calls.Peers;

/// <summary>
/// What a generator would make of a service with one method, bytes to bytes. Public, since ASP.NET Core looks for public members.
/// </summary>
[BindServiceMethod(typeof(GrpcEchoService), nameof(BindService))]
public abstract class GrpcEchoService
{
    private static readonly Marshaller<byte[]> Bytes = Marshallers.Create(bytes => bytes, bytes => bytes);

    internal static readonly Method<byte[], byte[]> Method = new(MethodType.Unary, "bench.Echo", nameof(Echo), Bytes, Bytes);

    public abstract Task<byte[]> Echo(byte[] request, ServerCallContext context);

    public static void BindService(ServiceBinderBase binder, GrpcEchoService? service)
    {
        ArgumentNullException.ThrowIfNull(binder);
        binder.AddMethod(Method, service is null ? null : new UnaryServerMethod<byte[], byte[]>(service.Echo));
    }
}

/// <summary>Answers each request with its own payload.</summary>
public sealed class GrpcEcho : GrpcEchoService
{
    public override Task<byte[]> Echo(byte[] request, ServerCallContext context) => Task.FromResult(request);
}
