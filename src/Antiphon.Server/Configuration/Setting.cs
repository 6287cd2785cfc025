using System.Text.Json;

namespace Antiphon.Server.Configuration;

/// <summary>A setting of an object, declared once: reading, the JSON schema and reloading go by it.</summary>
/// <typeparam name="TOwner">What has the setting.</typeparam>
internal abstract class Setting<TOwner>(string name, string description)
{
    public string Name { get; } = name;

    public string Description { get; } = description;

    /// <summary>The owner with the setting as it is written; unchanged where that is wrong.</summary>
    public abstract TOwner Read(Node node, TOwner owner, ReadingContext context);

    public abstract void WriteSchema(Utf8JsonWriter schema, TOwner usual);

    /// <summary>Whether two owners have the same.</summary>
    public abstract bool IsSame(TOwner one, TOwner other);
}

/// <inheritdoc/>
/// <typeparam name="TOwner">What has the setting.</typeparam>
/// <typeparam name="T">Its value.</typeparam>
/// <param name="name">Its name.</param>
/// <param name="description">What it says, a sentence.</param>
/// <param name="kind">What is accepted.</param>
/// <param name="get">The value that an owner has.</param>
/// <param name="with">The owner with another value.</param>
internal sealed class Setting<TOwner, T>(
    string name, string description, Kind<T> kind, Func<TOwner, T> get, Func<TOwner, T, TOwner> with)
    : Setting<TOwner>(name, description)
{
    public Func<TOwner, T> Get { get; } = get;

    public Func<TOwner, T, TOwner> With { get; } = with;

    public override TOwner Read(Node node, TOwner owner, ReadingContext context) =>
        kind.TryRead(node, context, out var value) ? With(owner, value) : owner;

    public override void WriteSchema(Utf8JsonWriter schema, TOwner usual)
    {
        schema.WriteStartObject(Name);
        schema.WriteString("description", Description);
        kind.WriteSchema(schema);
        if (Get(usual) is { } value)
        {
            kind.WriteDefault(schema, value);
        }

        schema.WriteEndObject();
    }

    public override bool IsSame(TOwner one, TOwner other) => EqualityComparer<T>.Default.Equals(Get(one), Get(other));
}
