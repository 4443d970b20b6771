using System.Buffers;

namespace AlloyScan.Engine.Site.Transport;

/// <summary>
/// A body in memory borrowed from the pool. A body is read to its end before it is parsed: the reading can then be cancelled and timed at
/// any byte, a truncated body is found and asked for again before anything is taken from it, and the parser never blocks a thread on a
/// socket. Memory stays bounded by the body limit times the concurrency, and in practice is a few hundred kilobytes.
/// </summary>
internal sealed class BodyBuffer : IDisposable
{
    private byte[] _bytes = [];
    private int _length;

    internal ReadOnlyMemory<byte> Memory => _bytes.AsMemory(0, _length);

    /// <summary>Reads a stream to its end.</summary>
    /// <param name="stream">The stream, decompressed.</param>
    /// <param name="sizeHint">Expected length.</param>
    /// <param name="limit">Longest accepted length.</param>
    /// <param name="onRead">Receives the number of bytes of each piece.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <returns>Whether the stream ended within the limit.</returns>
    internal async ValueTask<bool> FillAsync(Stream stream, int sizeHint, int limit, Action<int> onRead, CancellationToken cancellationToken)
    {
        Grow(Math.Clamp(sizeHint + 1, 16 * 1024, limit + 1));
        while (true)
        {
            int room = Math.Min(_bytes.Length, limit + 1) - _length;
            int read = await stream.ReadAsync(_bytes.AsMemory(_length, room), cancellationToken).ConfigureAwait(false);
            if (read == 0)
            {
                return true;
            }

            onRead(read);
            _length += read;
            if (_length > limit)
            {
                _length = limit;
                return false;
            }

            if (_length == _bytes.Length)
            {
                Grow(Math.Min(_bytes.Length * 2, limit + 1));
            }
        }
    }

    public void Dispose()
    {
        byte[] bytes = _bytes;
        _bytes = [];
        _length = 0;
        if (bytes.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    private void Grow(int size)
    {
        byte[] larger = ArrayPool<byte>.Shared.Rent(size);
        _bytes.AsSpan(0, _length).CopyTo(larger);
        if (_bytes.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
        }

        _bytes = larger;
    }
}
