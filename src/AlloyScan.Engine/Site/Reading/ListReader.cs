using System.Globalization;
using System.Text.Json;

namespace AlloyScan.Engine.Site.Reading;

/// <summary>One page of a list as the site sent it.</summary>
internal sealed class ListPage<T>
{
    /// <summary>What the items became.</summary>
    internal List<T> Items { get; } = [];

    /// <summary>Items that could not be understood.</summary>
    internal List<UnreadableDevice>? Unreadable { get; set; }

    /// <summary>Items on the page, readable or not.</summary>
    internal int ItemCount { get; set; }

    /// <summary>The site's total; <see langword="null"/> when it gives none.</summary>
    internal int? Total { get; set; }

    /// <summary>Address of the next page; <see langword="null"/> when there is none.</summary>
    internal string? NextLink { get; set; }

    /// <summary>Whether the page says itself that none follows: the place of the next address is there, and empty.</summary>
    internal bool SaysLast { get; set; }

    /// <summary>What the page says, in brief: two pages of the same fingerprint are the same page.</summary>
    internal int Fingerprint { get; set; }
}

/// <summary>Reads the envelope of a list and hands each item on. One instance reads one body.</summary>
internal sealed class ListReader<T>(CompiledProfile compiled, ItemRead<T> readItem, CancellationToken cancellationToken)
    : FieldReader(compiled.Envelope, CompiledProfile.EnvelopeFields.Length)
{
    private readonly ListPage<T> _page = new();
    private bool _itemsSeen;

    internal ListPage<T> Read(ref BodyReader reader)
    {
        if (compiled.ItemsAtRoot)
        {
            if (reader.TokenType != JsonTokenType.StartArray)
            {
                throw new BodyException(BodyFault.Shape, "UnexpectedAnswer", "the answer is no list");
            }

            ReadItems(ref reader);
            return _page;
        }

        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw new BodyException(BodyFault.Shape, "UnexpectedAnswer", $"the answer is {reader.Describe()} without the list '{compiled.ItemsLocation}'");
        }

        ReadFields(ref reader);

        // A total that cannot be read is no total: the reader of the list then takes nothing for complete, which is what it must do.
        if (int.TryParse(Values[CompiledProfile.ListTotal], NumberStyles.None, CultureInfo.InvariantCulture, out int total))
        {
            _page.Total = total;
        }

        string? next = Values[CompiledProfile.ListNext];
        _page.NextLink = string.IsNullOrWhiteSpace(next) ? null : next;
        return _itemsSeen
            ? _page
            : throw new BodyException(BodyFault.Shape, "UnexpectedAnswer", $"the answer has no list '{compiled.ItemsLocation}'");
    }

    protected override void ReadComposite(LocationNode node, ref BodyReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            FailKind(node, ref reader, "a list");
            return;
        }

        ReadItems(ref reader);
    }

    protected override void ReadNull(LocationNode node) => _page.SaysLast |= node.Field == CompiledProfile.ListNext;

    private void ReadItems(ref BodyReader reader)
    {
        _itemsSeen = true;
        while (reader.Next() != JsonTokenType.EndArray)
        {
            cancellationToken.ThrowIfCancellationRequested();
            _page.ItemCount++;
            readItem(ref reader, _page);
        }
    }
}
