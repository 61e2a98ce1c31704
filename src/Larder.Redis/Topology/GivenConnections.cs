namespace Larder.Redis;

/// <summary>The connections that a source of endpoints has accepted: it closes those whose server is not the right one any more.</summary>
/// <remarks>
/// Invariant: a connection is in the list before it is compared with what is right now, and what is right changes before the list is gone
/// through; so one of the two finds a connection that was made in between.
/// </remarks>
internal sealed class GivenConnections
{
    private readonly Lock _gate = new();
    private readonly List<RedisConnection> _given = [];

    public void Add(RedisConnection connection)
    {
        lock (_gate)
        {
            _given.RemoveAll(static given => given.Closed.IsCompleted);
            _given.Add(connection);
        }
    }

    public void CloseAllBut(RedisEndpoint right, string reason)
    {
        lock (_gate)
        {
            foreach (RedisConnection connection in _given)
                if (connection.Endpoint != right) connection.Close(reason);
            _given.RemoveAll(static given => given.Closed.IsCompleted);
        }
    }
}
