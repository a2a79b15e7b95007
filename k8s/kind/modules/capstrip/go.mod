module stationmaster/capstrip

go 1.24
