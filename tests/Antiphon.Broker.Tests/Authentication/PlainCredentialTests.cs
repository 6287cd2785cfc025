using System.Text;
using Antiphon.Broker.Authentication;
using Antiphon.Protocol;
using Antiphon.Protocol.Authentication;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Tests.Authentication;

public sealed class PlainCredentialTests
{
    // Made by mosquitto_passwd 2.0.11 from the password «geheim ä».
    private const string Hashed =
        "$6$lxK6W854mVTu/CHz$NpuUKZvbTJ1wjrNQoeZCzcKvsXB6NKafJ5fkOgjG+reByatI+JnRb10tTD8/Qn8ouNhMIz4y2AWHnsOyDd/bvA==";

    private const string Derived =
        "$7$101$2fSOV6IbXrcoTy/0$DKNM3Cf8+NMA1JrR/aufNEAOgGZLSfIHlZamWfbWrAsC+ESH8pyM2TlVTps5T7sdlTg4wy9rrXKwbbExm2CYHg==";

    private static readonly byte[] Password = Encoding.UTF8.GetBytes("geheim ä");

    private static readonly CredentialList Users = CredentialList.Empty
        .With("ann", PlainCredential.ParseMosquitto(Derived))
        .With("old", PlainCredential.ParseMosquitto(Hashed))
        .With("bob", ScramCredential.Derive(Password, new byte[16], ScramCredential.MinimumIterations));

    [Theory]
    [InlineData(Hashed, "PLAIN-SHA-512$lxK6W854mVTu/CHz$NpuUKZ")]
    [InlineData(Derived, "PLAIN-PBKDF2-SHA-512$101:2fSOV6IbXrcoTy/0$DKNM3C")]
    public void A_hash_of_mosquitto_fits_its_password_and_no_other(string hash, string begin)
    {
        var credential = PlainCredential.ParseMosquitto(hash);

        Assert.StartsWith(begin, credential.ToString(), StringComparison.Ordinal);
        foreach (var one in new[] { credential, PlainCredential.Parse(credential.ToString()) })
        {
            Assert.True(one.Verify(Password));
            Assert.False(one.Verify("geheim"u8));
            Assert.False(one.Verify([]));
        }
    }

    [Theory]
    [InlineData("secret")]
    [InlineData("$5$AA==$AA==")]
    [InlineData("$7$0$AA==$")]
    [InlineData("$7$101$2fSOV6IbXrcoTy/0$c2hvcnQ=")]
    [InlineData("$6$$NpuUKZvbTJ1wjrNQoeZCzcKvsXB6NKafJ5fkOgjG+reByatI+JnRb10tTD8/Qn8ouNhMIz4y2AWHnsOyDd/bvA==")]
    [InlineData("$7$10000001$2fSOV6IbXrcoTy/0$NpuUKZvbTJ1wjrNQoeZCzcKvsXB6NKafJ5fkOgjG+reByatI+JnRb10tTD8/Qn8ouNhMIz4y2AWHnsOyDd/bvA==")]
    [InlineData("$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA")]
    public void What_is_no_such_hash_is_refused_and_not_repeated(string text)
    {
        var refusal = Assert.Throws<FormatException>(() => PlainCredential.ParseMosquitto(text));
        Assert.DoesNotContain(text, refusal.Message, StringComparison.Ordinal);
        Assert.Throws<FormatException>(() => PlainCredential.Parse("PLAIN-" + text));
    }

    [Fact]
    public void A_list_says_which_users_have_a_plain_password_alone()
    {
        var again = CredentialList.Parse(Users.ToString());

        Assert.Equal(Users.ToString(), again.ToString());
        Assert.Equal(["ann", "bob", "old"], again.UserNames);
        Assert.Equal(["bob"], again.UserNames.Where(again.ServesScram));
        Assert.StartsWith(
            "Line 1: ", Assert.Throws<FormatException>(() => CredentialList.Parse("ann:PLAIN-MD5$x")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ann", "geheim ä", ReasonCode.Success)]
    [InlineData("ann", "geheim", ReasonCode.BadUserNameOrPassword)]
    [InlineData("old", "geheim ä", ReasonCode.Success)]
    [InlineData("old", "", ReasonCode.BadUserNameOrPassword)]
    public void Such_users_come_in_by_their_plain_password(string name, string password, ReasonCode code)
    {
        var client = new HandTurnedBroker(new BrokerOptions { Authenticator = Users.Passwords }).Open();

        client.Send(new ConnectPacket { ClientId = "a", UserName = name, Password = Encoding.UTF8.GetBytes(password) });

        Assert.Equal(code, client.Next<ConnAckPacket>().ReasonCode);
    }

    [Fact]
    public void By_SCRAM_such_a_user_is_answered_as_one_who_does_not_exist()
    {
        var (salt, iterations, answer) = Scram("ann");
        var (unknownSalt, unknownIterations, unknownAnswer) = Scram("eve");

        Assert.Equal((ReasonCode.NotAuthorized, ReasonCode.NotAuthorized), (answer.ReasonCode, unknownAnswer.ReasonCode));
        Assert.Equal(unknownAnswer.ReasonString, answer.ReasonString);
        Assert.Equal((unknownSalt.Length, unknownIterations), (salt.Length, iterations));

        // The same each time, or asking twice would tell.
        Assert.Equal(salt, Scram("ann").Salt);
        Assert.Equal(ReasonCode.Success, Scram("bob").Answer.ReasonCode);
    }

    private static (string Salt, string Iterations, ConnAckPacket Answer) Scram(string name)
    {
        var client = new HandTurnedBroker(new BrokerOptions { AuthenticationMethods = [Users.ScramSha256] }).Open();
        var scram = new ScramClientExchange(name, Password, "client-nonce");
        client.Send(new ConnectPacket { ClientId = "a", AuthenticationMethod = "SCRAM-SHA-256", AuthenticationData = scram.Begin() });
        var challenge = client.Next<AuthPacket>().AuthenticationData!.Value;
        Assert.True(scram.TryAnswer(challenge.Span, out var final, out var fault), fault.Message);
        client.Send(
            new AuthPacket
            {
                ReasonCode = ReasonCode.ContinueAuthentication,
                AuthenticationMethod = "SCRAM-SHA-256",
                AuthenticationData = final,
            });
        var parts = Encoding.UTF8.GetString(challenge.Span).Split(',');
        return (parts[1], parts[2], client.Next<ConnAckPacket>());
    }
}
