namespace AlloyScan.Engine.Site.Reading;

/// <summary>
/// A node of the tree of property names that a profile's locations make. Names are compared by reference: the reader gets them from
/// the same <see cref="JsonNames"/> that the tree was built with.
/// </summary>
internal sealed class LocationNode
{
    private string[] _names = [];
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
    internal LocationNode? Find(string name, ref int hint)
    {
        string[] names = _names;
        for (int i = hint; i < names.Length; i++)
        {
            if (ReferenceEquals(names[i], name))
            {
                hint = i + 1;
                return _children[i];
            }
        }

        int end = Math.Min(hint, names.Length);
        for (int i = 0; i < end; i++)
        {
            if (ReferenceEquals(names[i], name))
            {
                hint = i + 1;
                return _children[i];
            }
        }

        return null;
    }

    /// <summary>Builds the tree of a section.</summary>
    /// <exception cref="AlloyScanException">Two fields stand in each other's way.</exception>
    internal static LocationNode Build(string section, IReadOnlyList<string> fields, Func<int, string?> locationOf, JsonNames names, params int[] composites)
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

                node = node.Child(names.Add(name));
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
        int index = Array.IndexOf(_names, name);
        if (index >= 0)
        {
            return _children[index];
        }

        LocationNode child = new(Path.Length == 0 ? name : $"{Path}.{name}");
        _names = [.. _names, name];
        _children = [.. _children, child];
        return child;
    }
}
