using System.Text;

namespace AlloyScan.Engine.Site.Reading;

/// <summary>
/// A node of the tree of property names that a profile's locations make. Names are compared as the bytes that stand in the body.
/// </summary>
internal sealed class LocationNode
{
    private byte[][] _names = [];
    private LocationNode[] _children = [];

    internal LocationNode(string path) => Path = path;

    /// <summary>Location of this node, for messages.</summary>
    internal string Path { get; }

    /// <summary>Number of the field that stands here; -1 for an object on the way to fields.</summary>
    internal int Field { get; private set; } = -1;

    /// <summary>Whether the field is a list or an object of its own kind, and not a single value.</summary>
    internal bool IsComposite { get; private set; }

    /// <summary>
    /// Finds the node of a property. Servers write properties in the same order again and again, so the search starts behind the last hit
    /// (<paramref name="hint"/>) and mostly ends there.
    /// </summary>
    internal LocationNode? Find(ref BodyReader reader, ref int hint)
    {
        ReadOnlySpan<byte> name = reader.IsEscaped ? Encoding.UTF8.GetBytes(reader.Text()) : reader.RawName;
        byte[][] names = _names;
        for (int i = hint; i < names.Length; i++)
        {
            if (name.SequenceEqual(names[i]))
            {
                hint = i + 1;
                return _children[i];
            }
        }

        int end = Math.Min(hint, names.Length);
        for (int i = 0; i < end; i++)
        {
            if (name.SequenceEqual(names[i]))
            {
                hint = i + 1;
                return _children[i];
            }
        }

        return null;
    }

    /// <summary>Builds the tree of a section.</summary>
    /// <exception cref="AlloyScanException">Two fields stand in each other's way.</exception>
    internal static LocationNode Build(string section, IReadOnlyList<string> fields, Func<int, string?> locationOf, params int[] composites)
    {
        LocationNode root = new(string.Empty);
        for (int field = 0; field < fields.Count; field++)
        {
            if (locationOf(field) is not { } location)
            {
                continue;
            }

            string property = $"{section}.{fields[field]}";
            LocationNode node = root;
            foreach (string name in ApiProfileJson.SplitLocation(property, location))
            {
                if (node.Field >= 0)
                {
                    throw ApiProfileJson.Invalid(property, $"is '{location}', which lies inside '{section}.{fields[node.Field]}'.");
                }

                node = node.Child(name);
            }

            if (node.Field >= 0)
            {
                throw ApiProfileJson.Invalid(property, $"is '{location}', where '{section}.{fields[node.Field]}' stands already.");
            }

            if (node._children.Length > 0)
            {
                throw ApiProfileJson.Invalid(property, $"is '{location}', inside which other fields stand.");
            }

            node.Field = field;
            node.IsComposite = composites.Contains(field);
        }

        return root;
    }

    private LocationNode Child(string name)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(name);
        int index = Array.FindIndex(_names, n => n.AsSpan().SequenceEqual(utf8));
        if (index >= 0)
        {
            return _children[index];
        }

        LocationNode child = new(Path.Length == 0 ? name : $"{Path}.{name}");
        _names = [.. _names, utf8];
        _children = [.. _children, child];
        return child;
    }
}
