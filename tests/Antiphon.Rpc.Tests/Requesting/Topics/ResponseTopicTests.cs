using Antiphon.Rpc.Requesting.Topics;

namespace Antiphon.Rpc.Tests.Requesting.Topics;

public sealed class ResponseTopicTests
{
    [Theory]
    [InlineData(null, "$reply/token", "c", "$reply/token/last")]
    [InlineData(null, "$reply/token/", "c", "$reply/token/last")]
    [InlineData("mine", "$reply/token", "c", "mine/last")]
    [InlineData(null, null, "c", "clients/c/last")]
    [InlineData(null, "", "c", "clients/c/last")]
    [InlineData(null, "responses/#", "c", "clients/c/last")]
    [InlineData(null, "responses/+/x", "c", "clients/c/last")]
    [InlineData(null, null, "a/b+c#d%e", "clients/a%2Fb%2Bc%23d%25e/last")]
    public void It_is_under_what_the_server_gives_else_under_the_Client_Identifier(
        string? prefix, string? information, string clientId, string topic)
    {
        Assert.Equal(topic, ResponseTopic.Build(prefix, information, clientId, "last"));
    }
}
