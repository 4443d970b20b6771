using System.Buffers;
using System.Collections.Concurrent;
using System.Text.Json;

namespace AlloyScan.SampleSite;

/// <summary>A writer and the bytes it writes, used again and again.</summary>
internal sealed class JsonBuffer : IDisposable
{
    private const int MostKept = 64;
    private const int LargestKept = 4 * 1024 * 1024;

    private static readonly ConcurrentQueue<JsonBuffer> s_free = new();

    private readonly ArrayBufferWriter<byte> _bytes = new(16 * 1024);

    private JsonBuffer() => Writer = new Utf8JsonWriter(_bytes, new JsonWriterOptions { Encoder = DataFile.Encoder, SkipValidation = true });

    public Utf8JsonWriter Writer { get; }

    public ReadOnlyMemory<byte> Written => _bytes.WrittenMemory;

    public static JsonBuffer Rent() => s_free.TryDequeue(out var buffer) ? buffer : new JsonBuffer();

    public void Dispose()
    {
        if (_bytes.Capacity > LargestKept || s_free.Count >= MostKept)
        {
            Writer.Dispose();
            return;
        }

        _bytes.ResetWrittenCount();
        Writer.Reset();
        s_free.Enqueue(this);
    }
}
