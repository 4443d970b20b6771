namespace AlloyScan.Engine.Site.OpenApi;

/// <summary>What a document says of an API, as far as a profile has a use for it. Keeps the package that reads documents out of the rest.</summary>
/// <param name="Operations">The calls.</param>
/// <param name="TokenPaths">Paths at which tokens are issued.</param>
/// <param name="Remarks">What a person should know of the document.</param>
internal sealed record ApiDescription(IReadOnlyList<DescribedCall> Operations, IReadOnlyList<string> TokenPaths, IReadOnlyList<string> Remarks);

/// <summary>One call of an API.</summary>
/// <param name="Method">The verb, in capitals.</param>
/// <param name="Path">The path as the profile writes it: <c>{id}</c> for each parameter but those that stand for the slug.</param>
/// <param name="Query">Parameters of the query.</param>
/// <param name="AnswerShape">Makes the shape of a good answer; <see langword="null"/> when the document does not say.</param>
internal sealed record DescribedCall(string Method, string Path, IReadOnlyList<DescribedParameter> Query, Func<DescribedShape?> AnswerShape)
{
    private readonly Lazy<DescribedShape?> _answer = new(AnswerShape);

    /// <summary>Shape of a good answer; <see langword="null"/> when the document does not say.</summary>
    public DescribedShape? Answer => _answer.Value;

    /// <summary>The last part of the path, in plain letters.</summary>
    public string LastName => LocationNames.Plain(Path[(Path.LastIndexOf('/') + 1)..]);

    /// <summary>Whether the path ends with an ID.</summary>
    public bool IsOfOne => Path.EndsWith("/{id}", StringComparison.Ordinal);

    /// <summary>The path without its last part.</summary>
    public string Parent => Path[..Path.LastIndexOf('/')];

    /// <summary>How many IDs the path takes.</summary>
    public int Ids => (Path.Length - Path.Replace("{id}", string.Empty, StringComparison.Ordinal).Length) / "{id}".Length;
}

/// <summary>A parameter of a call's query.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Required">Whether the call is refused without it.</param>
/// <param name="Least">Least value, if it is a number with one.</param>
/// <param name="Most">Greatest value, if it is a number with one.</param>
internal sealed record DescribedParameter(string Name, bool Required, int? Least, int? Most);

/// <summary>What stands at a place of an answer.</summary>
/// <param name="Members">Members of an object, in the order of the document.</param>
/// <param name="Item">What a list holds; <see langword="null"/> for anything but a list.</param>
/// <param name="IsNumber">Whether it is a number.</param>
internal sealed record DescribedShape(IReadOnlyList<KeyValuePair<string, DescribedShape>> Members, DescribedShape? Item, bool IsNumber)
{
    /// <summary>Nothing is known of it but that it is there.</summary>
    public static DescribedShape Unknown { get; } = new([], null, false);

    /// <summary>A member by its exact name.</summary>
    public DescribedShape? Member(string name)
    {
        foreach (var (key, shape) in Members)
        {
            if (key == name)
                return shape;
        }

        return null;
    }

    /// <summary>What stands at a location; <see langword="null"/> when nothing does.</summary>
    public DescribedShape? At(string location)
    {
        var at = this;
        foreach (var name in ApiProfileJson.SplitLocation("location", location))
        {
            if (at.Member(name) is not { } next)
                return null;
            at = next;
        }

        return at;
    }

    /// <summary>The places within, nearest first and never inside of a list, with their locations.</summary>
    public IEnumerable<(string Location, string Name, DescribedShape Shape)> Within(int depth)
    {
        var level = new List<(string Location, string Name, DescribedShape Shape)> { (string.Empty, string.Empty, this) };
        for (; depth > 0 && level.Count > 0; depth--)
        {
            level = [.. level.SelectMany(place => place.Shape.Members.Select(m => (Joined(place.Location, m.Key), m.Key, m.Value)))];
            foreach (var place in level)
                yield return place;
        }
    }

    private static string Joined(string before, string name)
    {
        var written = name.Replace("\\", "\\\\", StringComparison.Ordinal).Replace(".", "\\.", StringComparison.Ordinal);
        return before.Length == 0 ? written : before + "." + written;
    }
}
