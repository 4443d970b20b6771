using System.Globalization;
using AlloyScan.Engine.Sync.Conflicts;

namespace AlloyScan.PowerShell.Abstractions;

/// <summary>
/// Names a conflict: by its number or by the conflict itself. Unlike a number it is not made from another object that
/// happens to have one, so that a job from the pipeline is never taken for a conflict.
/// </summary>
public sealed class ConflictReference
{
    /// <summary>Names a conflict by its number.</summary>
    /// <param name="id">The number.</param>
    public ConflictReference(long id) => Id = id;

    /// <summary>Names a conflict by its number.</summary>
    /// <param name="id">The number.</param>
    public ConflictReference(int id) => Id = id;

    /// <summary>Names a conflict by its number as text, as it comes from a file.</summary>
    /// <param name="id">The number.</param>
    public ConflictReference(string id)
        : this(long.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : throw new ArgumentException($"'{id}' is no number of a conflict.", nameof(id)))
    {
    }

    /// <summary>Names a conflict by itself.</summary>
    /// <param name="conflict">The conflict.</param>
    public ConflictReference(SyncConflict conflict) => Id = (conflict ?? throw new ArgumentNullException(nameof(conflict))).Id;

    /// <summary>The number.</summary>
    public long Id { get; }

    /// <inheritdoc/>
    public override string ToString() => Id.ToString(CultureInfo.InvariantCulture);
}
