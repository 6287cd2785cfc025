using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Properties;
using Antiphon.Rpc.Wire;

namespace Antiphon.Rpc.Tests.Wire;

public sealed class ResponseStatusTests
{
    [Theory]
    [InlineData("", true, false)]
    [InlineData("__stat=200", true, true)]
    [InlineData("__stat=204", true, true)]
    [InlineData("__stat=299", true, true)]
    [InlineData("__stat=300", false, false)]
    [InlineData("__stat=199", false, false)]
    [InlineData("__stat=500", false, false)]
    [InlineData("__stat=ok", false, false)]
    [InlineData("__stat=+200", false, false)]
    [InlineData("__stat=", false, false)]
    [InlineData("__stat=99999999999999999999", false, false)]
    [InlineData("__apErr=true", false, false)]
    [InlineData("__apErr=FALSE", true, false)]
    [InlineData("__apErr=", true, false)]
    [InlineData("__stat=200;__apErr=true", true, true)]
    public void A_status_from_200_to_299_is_a_success_and_none_is_one_unless_strict(string properties, bool isSuccess, bool isStrictSuccess)
    {
        ResponseReading.Read(View(properties), out var status);

        Assert.Equal(isSuccess, status.IsSuccess(strict: false));
        Assert.Equal(isStrictSuccess, status.IsSuccess(strict: true));
    }

    [Fact]
    public void Everything_that_a_response_says_is_read()
    {
        ResponseReading.Read(
            View("other=1;__stat=400;__stMsg=no;__apErr=true;__propName=a;__propVal=b;antiphon-reason=c;antiphon-retry-after-ms=250"),
            out var status);

        Assert.Equal(400, status.Code);
        Assert.Equal("no"u8, status.Message);
        Assert.True(status.IsApplicationError);
        Assert.Equal("a"u8, status.InvalidPropertyName);
        Assert.Equal("b"u8, status.InvalidPropertyValue);
        Assert.Equal("c"u8, status.Reason);
        Assert.Equal(TimeSpan.FromMilliseconds(250), status.RetryAfter);
    }

    private static PublishView View(string properties)
    {
        var section = new PropertySection([]);
        section.AddUser(properties.Split(';', StringSplitOptions.RemoveEmptyEntries)
            .Select(pair => new UserProperty(pair.Split('=')[0], pair.Split('=')[1])).ToArray());
        return new PublishView { Properties = section.Written.ToArray() };
    }
}
