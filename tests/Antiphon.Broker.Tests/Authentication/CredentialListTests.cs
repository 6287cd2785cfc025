using System.Text;
using Antiphon.Broker.Authentication;
using Antiphon.Protocol;
using Antiphon.Protocol.Authentication;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Tests.Authentication;

public sealed class CredentialListTests
{
    private static readonly CredentialList Users = CredentialList.Empty
        .With("ann", Credential("secret", 1))
        .With("bob", Credential("other", 2));

    [Fact]
    public void A_list_is_read_as_it_was_written()
    {
        var again = CredentialList.Parse(Users.ToString());

        Assert.Equal(2, again.Count);
        Assert.Equal(Users.ToString(), again.ToString());
        Assert.Equal(2, CredentialList.Parse("\r\n" + Users.ToString().Replace("\n", "\r\n\r\n", StringComparison.Ordinal)).Count);
    }

    [Fact]
    public void Users_come_change_and_go()
    {
        var changed = Users.With("ann", Credential("new", 3)).Without("bob");

        Assert.Equal(1, changed.Count);
        Assert.True(changed.Contains("ann"));
        Assert.NotEqual(Users.FindScram("ann").ToString(), changed.FindScram("ann").ToString());
        Assert.False(changed.Contains("bob"));
        Assert.True(Users.Contains("bob"));
    }

    [Theory]
    [InlineData("ann", 1)]
    [InlineData("\n:SCRAM-SHA-256$4096:AA==$x:y", 2)]
    [InlineData("\n\nann:secret", 3)]
    public void What_is_no_list_is_refused_by_line_and_not_repeated(string text, int line)
    {
        var message = Assert.Throws<FormatException>(() => CredentialList.Parse(text)).Message;

        Assert.StartsWith($"Line {line}", message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_user_who_is_there_twice_is_refused() =>
        Assert.StartsWith(
            "Line 3",
            Assert.Throws<FormatException>(() => CredentialList.Parse(Users + "ann:" + Credential("x", 4))).Message,
            StringComparison.Ordinal);

    [Theory]
    [InlineData("")]
    [InlineData("a:b")]
    [InlineData("a\nb")]
    [InlineData("a\rb")]
    public void A_name_that_has_no_place_in_a_line_is_refused(string name) =>
        Assert.ThrowsAny<ArgumentException>(() => Users.With(name, Credential("x", 4)));

    [Theory]
    [InlineData("ann", "secret", ReasonCode.Success)]
    [InlineData("ann", "other", ReasonCode.BadUserNameOrPassword)]
    [InlineData("ann", "", ReasonCode.BadUserNameOrPassword)]
    [InlineData("bob", "other", ReasonCode.Success)]
    [InlineData("eve", "secret", ReasonCode.BadUserNameOrPassword)]
    [InlineData("Ann", "secret", ReasonCode.BadUserNameOrPassword)]
    public void Passwords_of_CONNECT_are_checked_against_the_list(string name, string password, ReasonCode code)
    {
        var broker = new HandTurnedBroker(new BrokerOptions { Authenticator = Users.Passwords });
        var client = broker.Open();

        client.Send(new ConnectPacket { ClientId = "a", UserName = name, Password = Encoding.UTF8.GetBytes(password) });

        Assert.Equal(code, client.Next<ConnAckPacket>().ReasonCode);
    }

    [Fact]
    public void A_user_who_does_not_exist_is_answered_as_a_wrong_password()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { Authenticator = Users.Passwords });
        var wrong = broker.Open();
        var unknown = broker.Open();

        wrong.Send(new ConnectPacket { ClientId = "a", UserName = "ann", Password = "wrong"u8.ToArray() });
        unknown.Send(new ConnectPacket { ClientId = "a", UserName = "eve", Password = "wrong"u8.ToArray() });

        Assert.Equal(wrong.Received.ToArray(), unknown.Received.ToArray());
        Assert.Equal(Users.FindScram("ann").Iterations, Users.FindScram("eve").Iterations);
        Assert.Equal(Users.FindScram("ann").Salt.Length, Users.FindScram("eve").Salt.Length);
        Assert.Equal(Users.FindScram("eve").ToString(), CredentialList.Parse(Users.ToString()).FindScram("eve").ToString());
    }

    [Theory]
    [InlineData("ann", "secret", true)]
    [InlineData("ann", "wrong", false)]
    [InlineData("eve", "secret", false)]
    [Trait("Label", "MQTT-4.12.0-2")]
    [Trait("Label", "MQTT-4.12.0-4")]
    public void SCRAM_SHA_256_lets_in_who_knows_the_password_and_proves_that_the_broker_knows_it_too(
        string name, string password, bool isRight)
    {
        var broker = new HandTurnedBroker(new BrokerOptions { AuthenticationMethods = [Users.ScramSha256] });
        var client = broker.Open();
        var scram = new ScramClientExchange(name, Encoding.UTF8.GetBytes(password), "client-nonce");

        client.Send(new ConnectPacket { ClientId = "a", AuthenticationMethod = "SCRAM-SHA-256", AuthenticationData = scram.Begin() });
        var challenge = client.Next<AuthPacket>();
        Assert.True(scram.TryAnswer(challenge.AuthenticationData!.Value.Span, out var final, out var fault), fault.Message);
        client.Send(
            new AuthPacket
            {
                ReasonCode = ReasonCode.ContinueAuthentication,
                AuthenticationMethod = "SCRAM-SHA-256",
                AuthenticationData = final,
            });

        var answer = client.Next<ConnAckPacket>();
        Assert.Equal(isRight ? ReasonCode.Success : ReasonCode.NotAuthorized, answer.ReasonCode);
        if (isRight)
        {
            Assert.True(scram.TryVerify(answer.AuthenticationData!.Value.Span, out fault), fault.Message);
        }
        else
        {
            client.ExpectClosed();
        }
    }

    [Fact]
    public void Data_that_is_no_SCRAM_is_refused()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { AuthenticationMethods = [Users.ScramSha256] });
        var client = broker.Open();

        client.Send(new ConnectPacket { ClientId = "a", AuthenticationMethod = "SCRAM-SHA-256" });

        Assert.Equal(ReasonCode.NotAuthorized, client.Next<ConnAckPacket>().ReasonCode);
        client.ExpectClosed();
    }

    private static ScramCredential Credential(string password, byte salt) =>
        ScramCredential.Derive(Encoding.UTF8.GetBytes(password), Enumerable.Repeat(salt, 16).ToArray(), ScramCredential.MinimumIterations);
}
