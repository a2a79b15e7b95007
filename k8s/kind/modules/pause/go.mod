module stationmaster/pause

go 1.24
