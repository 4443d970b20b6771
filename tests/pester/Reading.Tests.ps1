BeforeAll {
    Import-Module $PSScriptRoot/TestHelper.psm1 -Force
    Import-BuiltModule
    $site = Start-AlloyScanSampleSite -Devices 450
    $connection = $site | Connect-AlloyScan -Name main
    $devices = Get-AlloyScanDevice
    $computers = $devices | Where-Object Type -eq computer
}

AfterAll {
    Get-AlloyScanConnection | Disconnect-AlloyScan
    Stop-AlloyScanSampleSite
}

Describe 'Get-AlloyScanDevice' {
    It 'reads all pages' {
        $devices.Count | Should -Be 450
        ($devices.Id | Sort-Object -Unique).Count | Should -Be 450
    }

    It 'emits devices of the engine''s type' {
        $devices[0].PSTypeNames[0] | Should -Be 'AlloyScan.Engine.Inventory.Device'
    }

    It 'filters by name here, with wildcards' {
        $pattern = $devices[0].DisplayName.Substring(0, 4) + '*'
        (Get-AlloyScanDevice $pattern).Count | Should -Be @($devices | Where-Object DisplayName -like $pattern).Count
    }

    It 'lets the site filter by type and text' {
        (Get-AlloyScanDevice -Type printer).Type | Sort-Object -Unique | Should -Be 'printer'
        (Get-AlloyScanDevice -Search $computers[0].Name).Id | Should -Contain $computers[0].Id
    }

    It 'reads devices by ID, directly and by property name' {
        (Get-AlloyScanDevice -DeviceId $computers[0].Id).AuditId | Should -Not -BeNullOrEmpty
        ($computers[0..2] | Get-AlloyScanDevice).Id | Should -Be $computers[0..2].Id
        ([pscustomobject]@{ Id = 'C000001'; DeviceId = $computers[1].Id } | Get-AlloyScanDevice).Id | Should -Be $computers[1].Id
    }

    It 'reports an unknown ID and goes on' {
        $found = Get-AlloyScanDevice -DeviceId 'none', $computers[0].Id -ErrorVariable problem -ErrorAction SilentlyContinue
        $found.Id | Should -Be $computers[0].Id
        $problem.Count | Should -Be 1
        $problem[0].FullyQualifiedErrorId | Should -BeLike 'DeviceNotFound,*'
        $problem[0].TargetObject | Should -Be 'none'
        $problem[0].CategoryInfo.Category | Should -Be 'ObjectNotFound'
    }

    It 'reads no page beyond what the pipeline wants' {
        $before = $connection.ApiCalls
        @(Get-AlloyScanDevice | Select-Object -First 3).Count | Should -Be 3
        $connection.ApiCalls - $before | Should -BeLessOrEqual 2
    }

    It 'takes the connection by name and by object' {
        $other = Start-AlloyScanSampleSite 5 | Connect-AlloyScan -Name other
        $null = $site | Connect-AlloyScan -Name main
        @(Get-AlloyScanDevice -Connection other).Count | Should -Be 5
        @(Get-AlloyScanDevice -Connection $other).Count | Should -Be 5
        Get-ErrorId { Get-AlloyScanDevice -Connection none } | Should -Be 'ConnectionNotFound'
    }

    It 'lets its objects find their site again when another connection is current' {
        $null = Start-AlloyScanSampleSite 5 -Seed 9 | Connect-AlloyScan -Name elsewhere
        $snapshot = Get-AlloyScanDevice -Connection main -Type computer | Select-Object -First 1 | Get-AlloyScanSnapshot
        $snapshot.DeviceId | Should -Be $computers[0].Id
        Disconnect-AlloyScan elsewhere
    }
}

Describe 'Get-AlloyScanSnapshot' {
    It 'reads the newest snapshot of a device, by <Way>' -ForEach @(
        @{ Way = 'ID'; Read = { Get-AlloyScanSnapshot -DeviceId $computers[0].Id -Connection main } }
        @{ Way = 'position'; Read = { Get-AlloyScanSnapshot $computers[0].Id -Connection main } }
        @{ Way = 'device from the pipeline'; Read = { $computers[0] | Get-AlloyScanSnapshot } }
        @{ Way = 'property name'; Read = { [pscustomobject]@{ DeviceId = $computers[0].Id } | Get-AlloyScanSnapshot -Connection main } }
        @{ Way = 'audit ID'; Read = { Get-AlloyScanSnapshot -AuditId (Get-AlloyScanDevice -DeviceId $computers[0].Id -Connection main).AuditId -Connection main } }
    ) {
        $snapshot = & $Read
        $snapshot.DeviceId | Should -Be $computers[0].Id
        $snapshot.Software.Count | Should -BeGreaterThan 0
    }

    It 'keeps the order of the input while it reads several at a time' {
        ($computers[0..29] | Get-AlloyScanSnapshot).DeviceId | Should -Be $computers[0..29].Id
    }

    It 'reports devices without a snapshot and goes on' {
        $ids = 'none', $computers[0].Id, 'none either', $computers[1].Id
        $snapshots = $ids | ForEach-Object { [pscustomobject]@{ DeviceId = $_ } } | Get-AlloyScanSnapshot -Connection main -ErrorVariable problems -ErrorAction SilentlyContinue
        $snapshots.DeviceId | Should -Be $computers[0..1].Id
        $problems.FullyQualifiedErrorId | ForEach-Object { $_.Split(',')[0] } | Should -Be 'DeviceNotFound', 'DeviceNotFound'
        Get-ErrorId { Get-AlloyScanSnapshot -AuditId none -Connection main } | Should -Be 'SnapshotNotFound'
    }
}

Describe 'Get-AlloyScanSoftware' {
    It 'reads the catalog and filters it' {
        $catalog = Get-AlloyScanSoftware -Connection main
        $catalog.Count | Should -BeGreaterThan 100
        $catalog[0].PSTypeNames[0] | Should -Be 'AlloyScan.Engine.Inventory.CatalogProduct'
        (Get-AlloyScanSoftware *Chrome* -Connection main).Name | Should -Not -BeNullOrEmpty
        (Get-AlloyScanSoftware -SoftwareGroup Required -Connection main).SoftwareGroup | Sort-Object -Unique | Should -Be 'Required'
        @(Get-AlloyScanSoftware -GroupByName -Connection main).Count | Should -BeLessThan $catalog.Count
    }

    It 'refuses an unknown software group and names those there are' {
        $record = Get-ErrorOf { Get-AlloyScanSoftware -SoftwareGroup Wrong }
        $record.FullyQualifiedErrorId | Should -BeLike 'ParameterArgumentValidationError,*'
        "$record" | Should -BeLike '*Regular*Required*Forbidden*'
    }
}
