using AlloyScan.Engine.Inventory;

namespace AlloyScan.Engine.Sync.Guard;

/// <summary>A part of a site that the guard judges by itself: the CIs of one class on one OS platform.</summary>
/// <param name="Class">The class.</param>
/// <param name="Platform">The platform; <see langword="null"/> for CIs without one.</param>
internal readonly record struct GuardSlice(RecordClass Class, string? Platform)
{
    public override string ToString() => string.IsNullOrEmpty(Platform) ? Class.ToString() : $"{Class}/{Platform}";
}
