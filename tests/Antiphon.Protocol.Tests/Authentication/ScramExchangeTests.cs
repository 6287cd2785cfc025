using System.Text;
using Antiphon.Protocol.Authentication;

namespace Antiphon.Protocol.Tests.Authentication;

public sealed class ScramExchangeTests
{
    private const string ClientNonce = "rOprNGfwEbeRWgbNEkqO";
    private const string ServerNonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    private const string ClientFirst = $"n,,n=user,r={ClientNonce}";
    private const string ServerFirst = $"r={ClientNonce}{ServerNonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
    private const string Proof = "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
    private const string ClientFinal = $"c=biws,r={ClientNonce}{ServerNonce},{Proof}";
    private const string ServerFinal = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

    [Fact]
    public void The_example_of_RFC_7677_goes_over_the_wire_byte_by_byte()
    {
        var client = Client();
        var server = new ScramServerExchange(ServerNonce);

        Assert.Equal(ClientFirst, Encoding.UTF8.GetString(client.Begin()));
        Assert.True(server.TryReadClientFirst(Bytes(ClientFirst), out var userName, out _));
        Assert.Equal("user", userName);
        Assert.Equal(ServerFirst, Encoding.UTF8.GetString(server.Challenge(ScramCredential.Parse(ScramCredentialTests.Pencil))));
        Assert.True(client.TryAnswer(Bytes(ServerFirst), out var clientFinal, out _));
        Assert.Equal(ClientFinal, Encoding.UTF8.GetString(clientFinal));
        Assert.True(server.TryReadClientFinal(clientFinal, out var serverFinal, out _));
        Assert.Equal(ServerFinal, Encoding.UTF8.GetString(serverFinal));
        Assert.True(client.TryVerify(serverFinal, out var fault));
        Assert.False(fault.Exists);
    }

    [Theory]
    [InlineData("user", "pencil")]
    [InlineData("a=b,c", "p=1,2")]
    [InlineData("Zoë", "Grüße€")]
    [InlineData("=2C", "")]
    public void Any_name_and_password_are_accepted(string userName, string password)
    {
        var client = new ScramClientExchange(userName, Bytes(password), "abc");
        var server = new ScramServerExchange("def");

        Assert.True(server.TryReadClientFirst(client.Begin(), out var seen, out _));
        Assert.Equal(userName, seen);
        var challenge = server.Challenge(ScramCredential.Derive(Bytes(password), "salt"u8, 5000));
        Assert.True(client.TryAnswer(challenge, out var clientFinal, out _));
        Assert.True(server.TryReadClientFinal(clientFinal, out var serverFinal, out _));
        Assert.True(client.TryVerify(serverFinal, out _));
    }

    [Fact]
    public void A_wrong_password_and_an_unknown_user_fail_alike()
    {
        var wrong = Fail(ScramCredential.Derive("another"u8, "0123456789abcdef"u8, 4096));
        var unknown = Fail(ScramCredential.ForUnknownUser("user", "secret"u8, 4096));
        Assert.Equal(wrong, unknown);
        Assert.Equal(ReasonCode.NotAuthorized, wrong.Code);

        static Fault Fail(ScramCredential credential)
        {
            var server = new ScramServerExchange("def");
            var client = Client();
            Assert.True(server.TryReadClientFirst(client.Begin(), out _, out _));
            Assert.True(client.TryAnswer(server.Challenge(credential), out var clientFinal, out _));
            Assert.False(server.TryReadClientFinal(clientFinal, out var serverFinal, out var fault));
            Assert.Empty(serverFinal);
            return fault;
        }
    }

    [Theory]
    [InlineData("", "channel-binding flag")]
    [InlineData("n", "channel-binding flag")]
    [InlineData("n,", "channel-binding flag")]
    [InlineData("n,,", "n=")]
    [InlineData("n,,n=user", "r=")]
    [InlineData("n,,n=,r=abc", "n=")]
    [InlineData("n,,r=abc,n=user", "n=")]
    [InlineData("n,,n=user,r=", "r=")]
    [InlineData("n,,n=user,r=a\u007Fb", "printable")]
    [InlineData("n,,n=user,r=a b", "printable")]
    [InlineData("n,,n=user,r=abc,", "extension")]
    [InlineData("n,,n=user,r=abc,x", "extension")]
    [InlineData("n,,n=user,r=abc,1=2", "extension")]
    [InlineData("n,,m=must,n=user,r=abc", "mandatory")]
    [InlineData("n,,n=user,m=must,r=abc", "mandatory")]
    [InlineData("n,,n=user,r=abc,m=must", "mandatory")]
    [InlineData("p=tls-unique,,n=user,r=abc", "channel binding")]
    [InlineData("q,,n=user,r=abc", "channel binding")]
    [InlineData("n,a=root,n=user,r=abc", "another user")]
    [InlineData("n,user,n=user,r=abc", "another user")]
    [InlineData("n,,n=us=er,r=abc", "2C or 3D")]
    [InlineData("n,,n=us=2c,r=abc", "2C or 3D")]
    [InlineData("n,,n=us\0er,r=abc", "U+0000")]
    public void A_malformed_first_message_of_a_client_is_refused(string message, string because)
    {
        Assert.False(new ScramServerExchange("def").TryReadClientFirst(Bytes(message), out _, out var fault));
        Assert.Equal(ReasonCode.NotAuthorized, fault.Code);
        Assert.Contains(because, fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("n,,n=user,r=abc,x=passed over,y=too")]
    [InlineData("y,,n=user,r=abc")]
    [InlineData("n,a=user,n=user,r=abc")]
    public void A_first_message_with_more_than_needed_is_accepted(string message)
    {
        Assert.True(new ScramServerExchange("def").TryReadClientFirst(Bytes(message), out var userName, out _));
        Assert.Equal("user", userName);
    }

    [Theory]
    [InlineData("", "proof")]
    [InlineData($"c=biws,r={ClientNonce}{ServerNonce}", "proof")]
    [InlineData($"c=biws,r={ClientNonce}{ServerNonce},p=", "proof")]
    [InlineData($"c=biws,r={ClientNonce}{ServerNonce},p=dHzb", "proof")]
    [InlineData($"c=biws,r={ClientNonce}{ServerNonce},{Proof},x=y", "proof")]
    [InlineData($"c=biws,r={ClientNonce}{ServerNonce}, {Proof}", "proof")]
    [InlineData($"r={ClientNonce}{ServerNonce},{Proof}", "c=")]
    [InlineData($"c=biws,{Proof}", "r=")]
    [InlineData($"c=eSws,r={ClientNonce}{ServerNonce},{Proof}", "channel binding")]
    [InlineData($"c=biws,r={ClientNonce},{Proof}", "nonce")]
    [InlineData($"c=biws,r={ClientNonce}{ServerNonce}x,{Proof}", "nonce")]
    [InlineData($"c=biws,r={ServerNonce},{Proof}", "nonce")]
    [InlineData($"m=must,c=biws,r={ClientNonce}{ServerNonce},{Proof}", "mandatory")]
    [InlineData($"c=biws,r={ClientNonce}{ServerNonce},m=must,{Proof}", "mandatory")]
    [InlineData($"c=biws,r={ClientNonce}{ServerNonce},x=y,{Proof}", "proof is wrong")]
    [InlineData($"c=biws,r={ClientNonce}{ServerNonce},p=eHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", "proof is wrong")]
    public void A_malformed_or_wrong_final_message_of_a_client_is_refused(string message, string because)
    {
        var server = new ScramServerExchange(ServerNonce);
        Assert.True(server.TryReadClientFirst(Bytes(ClientFirst), out _, out _));
        server.Challenge(ScramCredential.Parse(ScramCredentialTests.Pencil));
        Assert.False(server.TryReadClientFinal(Bytes(message), out _, out var fault));
        Assert.Equal(ReasonCode.NotAuthorized, fault.Code);
        Assert.Contains(because, fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "r=")]
    [InlineData("e=unknown-user", "«unknown-user»")]
    [InlineData($"r={ClientNonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", "nonce")]
    [InlineData("r=another,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", "nonce")]
    [InlineData($"r=x{ClientNonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", "nonce")]
    [InlineData($"r={ClientNonce}€,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", "nonce")]
    [InlineData($"r={ClientNonce}x", "s=")]
    [InlineData($"r={ClientNonce}x,i=4096", "s=")]
    [InlineData($"r={ClientNonce}x,s=,i=4096", "s=")]
    [InlineData($"r={ClientNonce}x,s=W22Z J0S,i=4096", "Base64")]
    [InlineData($"r={ClientNonce}x,s=W22ZaA,i=4096", "Base64")]
    [InlineData($"r={ClientNonce}x,s=W22Z", "i=")]
    [InlineData($"r={ClientNonce}x,s=W22Z,i=4095", "4096 to 600000")]
    [InlineData($"r={ClientNonce}x,s=W22Z,i=600001", "4096 to 600000")]
    [InlineData($"r={ClientNonce}x,s=W22Z,i=99999999999999", "4096 to 600000")]
    [InlineData($"r={ClientNonce}x,s=W22Z,i=04096", "4096 to 600000")]
    [InlineData($"r={ClientNonce}x,s=W22Z,i=-4096", "4096 to 600000")]
    [InlineData($"r={ClientNonce}x,s=W22Z,i=4096,", "extension")]
    [InlineData($"m=must,r={ClientNonce}x,s=W22Z,i=4096", "mandatory")]
    [InlineData($"r={ClientNonce}x,s=W22Z,i=4096,m=must", "mandatory")]
    public void A_malformed_or_hostile_first_message_of_a_server_is_refused(string message, string because)
    {
        Assert.False(Client().TryAnswer(Bytes(message), out var clientFinal, out var fault));
        Assert.Empty(clientFinal);
        Assert.Equal(ReasonCode.NotAuthorized, fault.Code);
        Assert.Contains(because, fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "v=")]
    [InlineData("e=invalid-proof", "«invalid-proof»")]
    [InlineData("v=", "v=")]
    [InlineData("v=AAAA", "signature")]
    [InlineData("v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", "signature")]
    [InlineData($"{ServerFinal},m=must", "mandatory")]
    [InlineData($"m=must,{ServerFinal}", "mandatory")]
    public void A_server_that_does_not_prove_itself_is_refused(string message, string because)
    {
        var client = Client();
        Assert.True(client.TryAnswer(Bytes(ServerFirst), out _, out _));
        Assert.False(client.TryVerify(Bytes(message), out var fault));
        Assert.Equal(ReasonCode.NotAuthorized, fault.Code);
        Assert.Contains(because, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_server_that_skips_the_proof_is_refused()
    {
        Assert.False(Client().TryVerify(Bytes(ServerFinal), out var fault));
        Assert.Contains("before it has proved", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_iterations_that_a_client_does_are_an_option()
    {
        Assert.False(new ScramClientExchange("user", Bytes("pencil"), ClientNonce, maximumIterations: 4096)
            .TryAnswer(Bytes($"r={ClientNonce}x,s=W22Z,i=4097"), out _, out var fault));
        Assert.Contains("4096 to 4096", fault.Message, StringComparison.Ordinal);
        Assert.True(new ScramClientExchange("user", Bytes("pencil"), ClientNonce, maximumIterations: 4097)
            .TryAnswer(Bytes($"r={ClientNonce}x,s=W22Z,i=4097"), out _, out _));
    }

    [Fact]
    public void Bytes_that_are_no_text_are_refused_on_both_sides()
    {
        Assert.False(new ScramServerExchange("def").TryReadClientFirst([0x6E, 0xFF], out _, out var fault));
        Assert.Contains("UTF-8", fault.Message, StringComparison.Ordinal);
        Assert.False(Client().TryAnswer([0x72, 0xFF], out _, out fault));
        Assert.Contains("UTF-8", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a,b")]
    [InlineData("a b")]
    [InlineData("ä")]
    public void A_nonce_of_our_own_that_is_none_is_an_error_of_the_caller(string nonce)
    {
        Assert.Throws<ArgumentException>(() => new ScramServerExchange(nonce));
        Assert.Throws<ArgumentException>(() => new ScramClientExchange("user", default, nonce));
    }

    [Fact]
    public void A_user_name_of_our_own_that_is_none_is_an_error_of_the_caller()
    {
        Assert.Throws<ArgumentException>(() => new ScramClientExchange("", default, "abc"));
        Assert.Throws<ArgumentException>(() => new ScramClientExchange("\uD800", default, "abc"));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ScramClientExchange("user", default, "abc", maximumIterations: 4095));
    }

    [Fact]
    public void An_exchange_is_used_once_and_in_order()
    {
        var credential = ScramCredential.Parse(ScramCredentialTests.Pencil);
        var server = new ScramServerExchange(ServerNonce);
        Assert.Throws<InvalidOperationException>(() => server.Challenge(credential));
        Assert.Throws<InvalidOperationException>(() => server.TryReadClientFinal(Bytes(ClientFinal), out _, out _));
        Assert.True(server.TryReadClientFirst(Bytes(ClientFirst), out _, out _));
        Assert.Throws<InvalidOperationException>(() => server.TryReadClientFirst(Bytes(ClientFirst), out _, out _));
        server.Challenge(credential);
        Assert.Throws<InvalidOperationException>(() => server.Challenge(credential));
        Assert.True(server.TryReadClientFinal(Bytes(ClientFinal), out _, out _));
        Assert.Throws<InvalidOperationException>(() => server.TryReadClientFinal(Bytes(ClientFinal), out _, out _));

        var client = Client();
        Assert.True(client.TryAnswer(Bytes(ServerFirst), out _, out _));
        Assert.Throws<InvalidOperationException>(() => client.TryAnswer(Bytes(ServerFirst), out _, out _));
    }

    private static ScramClientExchange Client() => new("user", Bytes("pencil"), ClientNonce);

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
