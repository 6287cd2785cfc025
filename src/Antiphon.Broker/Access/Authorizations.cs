using System.Diagnostics.CodeAnalysis;
using System.Text;
using Antiphon.Broker.Connections;
using Antiphon.Broker.ResponseTopics;
using Antiphon.Broker.Sessions;
using Antiphon.Broker.Subscriptions;
using Antiphon.Broker.Timing;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Topics;

namespace Antiphon.Broker.Access;

/// <summary>
/// What the application's <see cref="IAuthorizer"/> is asked, and what has come of it. A packet about which it has to be asked stays where
/// it is, first in its connection's input; when the answer is there, it is looked at once more. Owned by the engine's thread.
/// </summary>
internal sealed class Authorizations(
    BrokerOptions options, Utf8Comparer comparer, TimingWheel wheel, EngineCounters counters, ConnectionEvents events)
{
    private static readonly AuthorizationResult Failed = AuthorizationResult.Deny("It could not be found out whether this is allowed.");
    private static readonly AuthorizationResult Late = AuthorizationResult.Deny("It was not found out in time whether this is allowed.");

    private readonly Queue<AuthorizationQuestion> _asked = new();

    /// <summary>Whether <see cref="TryTakeAsked"/> has one.</summary>
    public bool HasAsked => _asked.Count > 0;

    /// <summary>Takes the next question that is to be asked elsewhere.</summary>
    public bool TryTakeAsked([NotNullWhen(true)] out AuthorizationQuestion? question) => _asked.TryDequeue(out question);

    /// <summary>What is decided about a message.</summary>
    /// <param name="connection">Over which it came.</param>
    /// <param name="session">Whose it is.</param>
    /// <param name="publish">The message, with its Topic Name.</param>
    /// <param name="now">The current instant.</param>
    /// <returns><c>null</c>: it is being asked, and the connection's input is held.</returns>
    public AuthorizationResult? Decide(Connection connection, Session session, in PublishView publish, Instant now)
    {
        var kind = (int)publish.QoS << 2 | (publish.Retain ? 2 : 0) | (publish.ResponseTopic.IsEmpty ? 0 : 1);
        if (TryTakeAnswer(connection, out var question))
        {
            var answer = AnswerTo(question, 0);
            if (answer.ValidFor > TimeSpan.Zero)
            {
                (connection.Authorized ??= new RememberedAnswers(comparer)).Add(publish.Topic, kind, answer, now);
            }

            return answer;
        }

        if (connection.Authorized?.Find(publish.Topic, kind, now) is { } known)
        {
            return known;
        }

        var request = new AuthorizationRequest
        {
            Permission = publish.ResponseTopic.IsEmpty ? Permissions.Publish : Permissions.Request,
            Topic = Encoding.UTF8.GetString(publish.Topic),
            Client = new ClientIdentity(session.ClientId, session.User),
            Origin = connection.Origin,
            QoS = publish.QoS,
            Retain = publish.Retain,
            ResponseTopic = publish.ResponseTopic.IsEmpty ? null : Encoding.UTF8.GetString(publish.ResponseTopic),
        };
        Ask(new AuthorizationQuestion(connection, [request]), now);
        return null;
    }

    /// <summary>What is decided about a SUBSCRIBE.</summary>
    /// <param name="connection">Over which it came.</param>
    /// <param name="session">Whose it is.</param>
    /// <param name="subscribe">The packet.</param>
    /// <param name="filters">Its Topic Filters.</param>
    /// <param name="now">The current instant.</param>
    /// <param name="answers">For each Topic Filter; <c>null</c>: it needs no answer.</param>
    /// <returns><c>false</c>: it is being asked, and the connection's input is held.</returns>
    public bool TryDecide(
        Connection connection,
        Session session,
        SubscribePacket subscribe,
        TopicFilter[] filters,
        Instant now,
        [NotNullWhen(true)] out SubscribeAnswers?[]? answers)
    {
        answers = new SubscribeAnswers?[filters.Length];
        if (TryTakeAnswer(connection, out var question))
        {
            for (var i = 0; i < filters.Length; i++)
            {
                answers[i] = IsOwnResponse(filters[i]) ? null : AnswersTo(question, 2 * i);
            }

            return true;
        }

        var requests = new AuthorizationRequest?[2 * filters.Length];
        var client = new ClientIdentity(session.ClientId, session.User);
        for (var i = 0; i < filters.Length; i++)
        {
            if (!IsOwnResponse(filters[i]))
            {
                requests[2 * i] = new AuthorizationRequest
                {
                    Permission = Permissions.Respond,
                    Topic = filters[i].Pattern,
                    Client = client,
                    Origin = connection.Origin,
                    QoS = subscribe.Subscriptions[i].Options.MaximumQoS,
                };
                requests[2 * i + 1] = requests[2 * i]! with { Permission = Permissions.Subscribe };
            }
        }

        if (Array.TrueForAll(requests, request => request is null))
        {
            return true;
        }

        Ask(new AuthorizationQuestion(connection, requests, isSubscribe: true), now);
        answers = null;
        return false;
    }

    /// <summary>What is decided about a Will.</summary>
    /// <param name="connection">Over which its CONNECT came.</param>
    /// <param name="client">Whose it is.</param>
    /// <param name="message">Its message.</param>
    /// <param name="pending">What waits for it.</param>
    /// <param name="now">The current instant.</param>
    /// <returns><c>null</c>: it is being asked, and what comes behind CONNECT is held.</returns>
    public AuthorizationResult? DecideWill(
        Connection connection, ClientIdentity client, ApplicationMessage message, PendingConnect pending, Instant now)
    {
        if (TryTakeAnswer(connection, out var question))
        {
            return AnswerTo(question, 0);
        }

        var request = new AuthorizationRequest
        {
            Permission = message.ResponseTopic is null ? Permissions.Publish : Permissions.Request,
            Topic = message.Topic,
            Client = client,
            Origin = connection.Origin,
            QoS = message.QoS,
            Retain = message.Retain,
            IsWill = true,
            ResponseTopic = message.ResponseTopic,
        };

        // The question has a time of its own.
        wheel.Cancel(connection.Deadline);
        connection.Phase = ConnectionPhase.Authenticating;
        Ask(new AuthorizationQuestion(connection, [request]) { Pending = pending }, now);
        return null;
    }

    /// <summary>A question has run.</summary>
    /// <returns><c>false</c>: nobody waits for it any more.</returns>
    public bool TryAnswer(AuthorizationQuestion question)
    {
        if (question.IsAbandoned)
        {
            return false;
        }

        wheel.Cancel(question.Deadline);
        counters.FailedAuthorizations += question.Failures;
        question.Complete();
        return true;
    }

    /// <summary>A question took too long.</summary>
    public void GiveUp(AuthorizationQuestion question)
    {
        counters.FailedAuthorizations++;
        question.GiveUp();
        if (!question.Connection.IsAuthorizerNoted)
        {
            question.Connection.IsAuthorizerNoted = true;
            events.Add(ConnectionEventKind.AuthorizerLate, question.Connection);
        }
    }

    private static bool IsOwnResponse(in TopicFilter filter) => OwnResponseTopics.Includes(Encoding.UTF8.GetBytes(filter.Pattern));

    private static AuthorizationResult AnswerTo(AuthorizationQuestion question, int request) =>
        question.ResultOf(request) ?? (question.IsLate ? Late : Failed);

    private static SubscribeAnswers AnswersTo(AuthorizationQuestion question, int respond)
    {
        var mayRespond = AnswerTo(question, respond);
        return new SubscribeAnswers(
            mayRespond, mayRespond.Decision == AuthorizationDecision.Allowed ? null : AnswerTo(question, respond + 1));
    }

    private static bool TryTakeAnswer(Connection connection, [NotNullWhen(true)] out AuthorizationQuestion? question)
    {
        question = connection.Question;
        connection.Question = null;
        return question is not null;
    }

    private void Ask(AuthorizationQuestion question, Instant now)
    {
        question.Connection.Question = question;
        wheel.Set(question.Deadline, now + options.AuthorizationTimeout);
        _asked.Enqueue(question);
    }
}
