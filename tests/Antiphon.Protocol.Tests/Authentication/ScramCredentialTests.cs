using Antiphon.Protocol.Authentication;

namespace Antiphon.Protocol.Tests.Authentication;

public sealed class ScramCredentialTests
{
    /// <summary>User «user», password «pencil», the salt of the example in RFC 7677 §3.</summary>
    internal const string Pencil =
        "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";

    [Fact]
    public void A_password_becomes_the_text_that_PostgreSQL_keeps_and_comes_back_from_it()
    {
        var derived = ScramCredential.Derive("pencil"u8, Convert.FromBase64String("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096);
        Assert.Equal(Pencil, derived.ToString());

        var parsed = ScramCredential.Parse(Pencil);
        Assert.Equal(Pencil, parsed.ToString());
        Assert.Equal((4096, 16, 32, 32), (parsed.Iterations, parsed.Salt.Length, parsed.StoredKey.Length, parsed.ServerKey.Length));
    }

    [Theory]
    [InlineData("pencil", true)]
    [InlineData("Pencil", false)]
    [InlineData("pencil ", false)]
    [InlineData("", false)]
    public void A_plain_password_is_checked_against_it(string password, bool right) =>
        Assert.Equal(right, ScramCredential.Parse(Pencil).Verify(System.Text.Encoding.UTF8.GetBytes(password)));

    [Theory]
    [InlineData("")]
    [InlineData("pencil")]
    [InlineData("SCRAM-SHA-1$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=")]
    [InlineData("SCRAM-SHA-256$4095:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=")]
    [InlineData("SCRAM-SHA-256$10000001:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=")]
    [InlineData("SCRAM-SHA-256$ 4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=")]
    [InlineData("SCRAM-SHA-256$4096:$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=")]
    [InlineData("SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4g==:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=")]
    [InlineData("SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=")]
    public void Text_that_is_no_credential_is_refused_without_being_repeated(string text)
    {
        var refused = Assert.Throws<FormatException>(() => ScramCredential.Parse(text));
        Assert.DoesNotContain("W22Z", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(4095)]
    [InlineData(10_000_001)]
    public void Iterations_out_of_range_are_refused(int iterations)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => ScramCredential.Derive("p"u8, "salt"u8, iterations));
        Assert.Throws<ArgumentOutOfRangeException>(() => ScramCredential.ForUnknownUser("user", "secret"u8, iterations));
    }

    [Fact]
    public void A_salt_and_a_secret_are_needed()
    {
        Assert.Throws<ArgumentException>(() => ScramCredential.Derive("p"u8, [], 4096));
        Assert.Throws<ArgumentException>(() => ScramCredential.ForUnknownUser("user", [], 4096));
    }

    [Fact]
    public void An_unknown_user_has_the_same_salt_each_time_and_another_than_the_next_unknown_user()
    {
        var first = ScramCredential.ForUnknownUser("nobody", "secret"u8, 4096);
        Assert.Equal(first.ToString(), ScramCredential.ForUnknownUser("nobody", "secret"u8, 4096).ToString());
        Assert.Equal(16, first.Salt.Length);
        Assert.NotEqual(first.Salt.ToArray(), ScramCredential.ForUnknownUser("nobody else", "secret"u8, 4096).Salt.ToArray());
        Assert.NotEqual(first.Salt.ToArray(), ScramCredential.ForUnknownUser("nobody", "another secret"u8, 4096).Salt.ToArray());
        Assert.False(first.Verify(""u8));
    }
}
