using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Antiphon.Broker.Authentication;
using Antiphon.Protocol;

namespace Antiphon.Server.Users;

/// <summary>
/// Slows who tries passwords: an attempt that comes too early is refused with 0x9F, and its password is not looked at.
/// Safe from any thread.
/// </summary>
/// <remarks>
/// What it remembers is bounded; who has very many addresses can make it forget.
/// It is asked when an attempt is about to be checked, so that no more attempts get past it at once than are checked at once.
/// </remarks>
internal sealed class FailedLogIns(FailedLogInLimits limits, TimeProvider time)
{
    public const int MaximumEntries = 16_384;

    private static readonly TimeSpan FirstWait = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    /// <summary>After so long without a failure a user's failures are forgotten, in units of the longest wait.</summary>
    private const int WaitsUntilForgotten = 10;

    private readonly Lock _lock = new();

    // Guarded by the lock.
    private readonly RecentTable<User> _users = new(MaximumEntries);
    private readonly RecentTable<Address> _addresses = new(MaximumEntries);

    private volatile FailedLogInLimits _limits = limits;

    /// <summary>How many users and addresses are remembered.</summary>
    public int Remembered
    {
        get
        {
            lock (_lock)
            {
                return _users.Count + _addresses.Count;
            }
        }
    }

    /// <summary>Other limits hold from now on.</summary>
    public void Renew(FailedLogInLimits other) => _limits = other;

    /// <summary>The answer to an attempt that comes too early; <c>null</c>: it may be checked.</summary>
    public AuthenticationResult? RefusalOf(ConnectingClient client, string userName)
    {
        var allowed = _limits;
        var now = Now();
        lock (_lock)
        {
            var user = _users.Find(KeyOf(client, userName));
            var address = _addresses.Find(KeyOf(client));
            var wait = user.HeldUntil > now ? user.HeldUntil - now
                : !user.HasBeenIn && address.LevelAt(now, allowed) >= allowed.PerAddress ? Minute / allowed.PerAddress
                : TimeSpan.Zero;
            var seconds = Math.Ceiling(Math.Min(wait.TotalSeconds, allowed.LongestWait.TotalSeconds));
            return seconds == 0
                ? null
                : AuthenticationResult.Reject(
                    ReasonCode.ConnectionRateExceeded, $"Too many log-ins from this address have failed; try again in {seconds} s.");
        }
    }

    /// <summary>An attempt was checked. It counts if it was right, or if what was wrong may have been the password.</summary>
    public void Count(ConnectingClient client, string userName, AuthenticationResult result)
    {
        switch (result.ReasonCode)
        {
            case ReasonCode.Success:
                Succeeded(client, userName);
                break;
            case ReasonCode.BadUserNameOrPassword or ReasonCode.NotAuthorized:
                Failed(client, userName);
                break;
        }
    }

    /// <summary>An attempt was checked, and its password was wrong.</summary>
    public void Failed(ConnectingClient client, string userName)
    {
        var allowed = _limits;
        var now = Now();
        lock (_lock)
        {
            var key = KeyOf(client, userName);
            var user = _users.Find(key);
            var failures = (now - user.LastFailure > allowed.LongestWait * WaitsUntilForgotten ? 0 : user.Failures) + 1;
            var doublings = Math.Min(failures - allowed.Free - 1, 30);
            var wait = doublings < 0 ? TimeSpan.Zero : FirstWait * Math.Pow(2, doublings);
            _users.Put(
                key,
                user with
                {
                    Failures = failures,
                    LastFailure = now,
                    HeldUntil = now + (wait < allowed.LongestWait ? wait : allowed.LongestWait),
                });
            var addressKey = KeyOf(client);
            _addresses.Put(addressKey, new Address(_addresses.Find(addressKey).LevelAt(now, allowed) + 1, now));
        }
    }

    /// <summary>An attempt was checked, and it was right.</summary>
    public void Succeeded(ConnectingClient client, string userName)
    {
        lock (_lock)
        {
            _users.Put(KeyOf(client, userName), new User { HasBeenIn = true });
        }
    }

    /// <summary>An address, or an address and a user, in few bytes whatever the length of the name.</summary>
    private static UInt128 KeyOf(ConnectingClient client, string? userName = null)
    {
        var text = userName is null ? AddressOf(client.Origin) : $"{AddressOf(client.Origin)}\n{userName}";
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(text), hash);
        return BinaryPrimitives.ReadUInt128LittleEndian(hash);
    }

    /// <summary>Whoever has one address of IPv6 usually has 64 bits of them.</summary>
    private static string AddressOf(Broker.ConnectionOrigin origin)
    {
        if (origin.RemoteEndPoint is not IPEndPoint { Address: var address })
        {
            return origin.RemoteEndPoint?.ToString() ?? origin.Listener;
        }

        if (address.IsIPv4MappedToIPv6)
        {
            address = address.MapToIPv4();
        }

        return address.AddressFamily == AddressFamily.InterNetworkV6
            ? $"{Convert.ToHexString(address.GetAddressBytes().AsSpan(0, 8))}::"
            : $"{address}";
    }

    /// <summary>Since some moment long ago.</summary>
    private TimeSpan Now() => time.GetElapsedTime(0);

    private readonly record struct User(int Failures, TimeSpan LastFailure, TimeSpan HeldUntil, bool HasBeenIn);

    /// <summary>Failures run out of it, so many a minute.</summary>
    private readonly record struct Address(double Level, TimeSpan At)
    {
        public double LevelAt(TimeSpan now, FailedLogInLimits limits) =>
            Math.Max(0, Level - ((now - At) / Minute * limits.PerAddress));
    }
}
