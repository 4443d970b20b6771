using System.Buffers;
using Newtonsoft.Json;

namespace AlloyScan.Engine.Site.Reading;

/// <summary>Lends the JSON reader its buffers from the shared pool.</summary>
internal sealed class CharPool : IArrayPool<char>
{
    internal static readonly CharPool Instance = new();

    public char[] Rent(int minimumLength) => ArrayPool<char>.Shared.Rent(Math.Max(minimumLength, 32 * 1024));

    public void Return(char[]? array)
    {
        if (array is not null)
        {
            ArrayPool<char>.Shared.Return(array);
        }
    }
}
