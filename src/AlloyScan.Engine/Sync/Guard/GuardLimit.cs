using System.Globalization;
using System.Text.RegularExpressions;

namespace AlloyScan.Engine.Sync.Guard;

/// <summary>
/// How many changes of a kind one run may make by itself in a slice of the site: a count and a share of what is linked there. Both have to be
/// exceeded before the kind is held back. Two zeros let nothing through without approval.
/// </summary>
public sealed partial record GuardLimit
{
    /// <param name="count">Changes up to which no share is asked for.</param>
    /// <param name="share">Share of what is linked in the slice, from 0 to 1.</param>
    public GuardLimit(int count, decimal share)
    {
        Count = count;
        Share = share;
    }

    /// <summary>The kinds that have a limit.</summary>
    public static IReadOnlyList<GuardKinds> Kinds { get; } = [GuardKinds.Creation, GuardKinds.Update, GuardKinds.Removal, GuardKinds.Retirement, GuardKinds.Deletion];

    /// <summary>Changes up to which no share is asked for.</summary>
    public int Count { get; }

    /// <summary>Share of what is linked in the slice, from 0 to 1.</summary>
    public decimal Share { get; }

    /// <summary>Whether nothing goes without approval.</summary>
    public bool IsZero => Count == 0 && Share == 0;

    /// <summary>The limit of a job that names none.</summary>
    public static GuardLimit DefaultOf(GuardKinds kind) => kind == GuardKinds.Update ? new(100, 0.20m) : new(10, 0.10m);

    /// <summary>
    /// A limit of which parts were given. A part that is left out has its default; a 0 with nothing beside it lets nothing through, since
    /// with the default of the other part it would say something else than it seems to.
    /// </summary>
    /// <param name="kind">The kind it is for.</param>
    /// <param name="count">The count, if given.</param>
    /// <param name="share">The share, if given.</param>
    public static GuardLimit Of(GuardKinds kind, int? count, decimal? share) =>
        (count, share) is (0, null) or (null, 0) ? new(0, 0) : new(count ?? DefaultOf(kind).Count, share ?? DefaultOf(kind).Share);

    /// <summary>Reads a limit as people write it: <c>20, 5 %</c>, <c>5 %</c>, <c>20</c> or <c>0</c>.</summary>
    /// <param name="kind">The kind it is for.</param>
    /// <param name="text">The text.</param>
    /// <exception cref="AlloyScanException">It is none (<c>InvalidGuardLimit</c>).</exception>
    public static GuardLimit Parse(GuardKinds kind, string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        int? count = null;
        decimal? share = null;
        // A comma alone does not part them: in some countries it stands within a number.
        foreach (var part in Separator().Split(text.Trim()))
        {
            var isShare = part.EndsWith('%');
            var number = isShare ? part[..^1].TrimEnd() : part;
            if (isShare && share is null && decimal.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var percent))
                share = percent / 100;
            else if (!isShare && count is null && int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var changes))
                count = changes;
            else
                throw Invalid(kind, text);
        }

        return Of(kind, count, share).Checked(kind);
    }

    /// <summary>The limit itself, if it can be one.</summary>
    /// <exception cref="AlloyScanException">It cannot (<c>InvalidGuardLimit</c>).</exception>
    internal GuardLimit Checked(GuardKinds kind) => Kinds.Contains(kind) && Count >= 0 && Share is >= 0 and <= 1 ? this : throw Invalid(kind, ToString());

    internal bool IsExceeded(long changes, long of) => changes > Count && changes > of * Share;

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Count} and {Share * 100:0.##} %");

    private static AlloyScanException Invalid(GuardKinds kind, string text) => new(
        ErrorKind.InvalidArgument, "InvalidGuardLimit", $"The guard's limit for {kind} is given as '{text}', which is none.", text,
        "Give a count and a share from 0 % to 100 %, as in '20, 5 %', or one of the two; 0 lets nothing through without approval. The kinds are Creation, Update, Removal, Retirement and Deletion.");

    [GeneratedRegex(@"\s*[,;]\s+|\s+and\s+")]
    private static partial Regex Separator();
}
