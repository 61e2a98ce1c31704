namespace Larder;

/// <summary>
/// Marks the running code as part of a flight's factory. Work that the factory leaves behind keeps the mark for as
/// long as it runs, so an ended scope lets go of its flight and of the scopes around it.
/// </summary>
internal sealed class FlightScope(Flight flight, FlightScope? outer)
{
    private Flight? _flight = flight;
    private FlightScope? _outer = outer;

    public bool IsWithin(Flight flight)
    {
        for (FlightScope? scope = this; scope is not null; scope = Volatile.Read(ref scope._outer))
            if (ReferenceEquals(Volatile.Read(ref scope._flight), flight)) return true;
        return false;
    }

    public void End()
    {
        Volatile.Write(ref _flight, null);
        Volatile.Write(ref _outer, null);
    }
}
