using System.Text;
using System.Text.Json;
using Antiphon.Protocol.Properties;

namespace Antiphon.Rpc.Tests.Requesting;

/// <summary>What a program needs to test itself without a broker: something in the place of a requester, and responses to give.</summary>
public sealed class SubstituteTests
{
    private readonly Substitute _requester = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_program_can_be_given_responses_of_the_tests_own_making()
    {
        _requester.Answer = new Response(
            "on"u8.ToArray(), 201, "switched", "text/plain", [new UserProperty("volts", "3.3")], TimeSpan.FromMilliseconds(7));

        var response = await _requester.RequestAsync("relay/1", "1", Token);

        Assert.Equal(("on", 201, "switched", "text/plain"), (response.Text, response.Status, response.StatusMessage, response.ContentType));
        Assert.Equal([new("__stat", "201"), new("__stMsg", "switched"), new("volts", "3.3")], response.UserProperties);
        Assert.Equal(TimeSpan.FromMilliseconds(7), response.Elapsed);
        Assert.True(response.IsSuccess);
        Assert.Equal(("relay/1", "1", null, Token), _requester.Asked);
        Assert.Equal(("off", null), (new Response("off").Text, new Response("off").Status));
    }

    [Fact]
    public async Task Bytes_need_no_options_either()
    {
        _requester.Answer = new Response("ok");

        Assert.Equal("ok", (await _requester.RequestAsync("relay/1", "1"u8.ToArray(), Token)).Text);
        Assert.Equal(("relay/1", "1", null, Token), _requester.Asked);
    }

    [Fact]
    public async Task An_object_comes_with_the_response_that_held_it()
    {
        _requester.Answer = new Response("""{"volts":3.3}"""u8.ToArray(), 200, userProperties: [new UserProperty("age", "5")]);
        var options = new RequestOptions { UserProperties = [new UserProperty("mine", "1")] };

        var reading = await _requester.RequestForResponseAsync<Ask, Reading>("sensor", new Ask("V"), options, Token);

        Assert.Equal((new Reading(3.3), 200), (reading.Value, reading.Status));
        Assert.Contains(new UserProperty("age", "5"), reading.UserProperties);
        Assert.Equal("""{"unit":"V"}""", _requester.Asked.Payload);
        Assert.Equal(("application/json", true), (_requester.Asked.Options!.ContentType, _requester.Asked.Options.PayloadIsUtf8));
        Assert.Equal(options.UserProperties, _requester.Asked.Options.UserProperties);
        Assert.Equal(new Reading(3.3), await _requester.RequestAsync<Ask, Reading>("sensor", new Ask("V"), Token));
        Assert.Equal(Token, _requester.Asked.Token);
    }

    [Fact]
    public async Task What_is_not_JSON_of_that_form_is_said()
    {
        _requester.Answer = new Response("3.3 V");

        await Assert.ThrowsAsync<JsonException>(
            async () => await _requester.RequestForResponseAsync<Ask, Reading>("sensor", new Ask("V"), null, Token));
    }

    [Fact]
    public void Failures_can_be_made_for_tests()
    {
        Assert.Equal("Nobody listens on «t».", new NoResponderException("t").Message);
        Assert.Equal(
            "No response on «t» within 2 s; the server had acknowledged the request.",
            new RequestTimeoutException("t", TimeSpan.FromSeconds(2)).Message);
        Assert.Equal(
            "The outcome of the request on «t» is unknown: the requester was stopped; the request was sent and not acknowledged.",
            new OutcomeUnknownException("t", "the requester was stopped").Message);
        var remote = new RemoteErrorException("t", new Response(ReadOnlyMemory<byte>.Empty, 404, "No such relay."));
        Assert.Equal(("The responder on «t» answered with error 404: No such relay.", 404), (remote.Message, remote.Status));
    }

    private sealed record Ask(string Unit);

    private sealed record Reading(double Volts);

    private sealed class Substitute : IRequester
    {
        public Response Answer { get; set; }

        public (string Topic, string Payload, RequestOptions? Options, CancellationToken Token) Asked { get; private set; }

        public ValueTask<Response> RequestAsync(string topic, string text, RequestOptions? options, CancellationToken cancellationToken)
        {
            Asked = (topic, text, options, cancellationToken);
            return new ValueTask<Response>(Answer);
        }

        public ValueTask<Response> RequestAsync(
            string topic, ReadOnlyMemory<byte> payload, RequestOptions? options, CancellationToken cancellationToken) =>
            RequestAsync(topic, Encoding.UTF8.GetString(payload.Span), options, cancellationToken);

        public IAsyncEnumerable<Response> GatherAsync(
            string topic, ReadOnlyMemory<byte> payload, GatherOptions options, CancellationToken cancellationToken) =>
            new[] { Answer }.ToAsyncEnumerable();
    }
}
