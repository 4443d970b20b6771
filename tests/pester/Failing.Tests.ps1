BeforeAll {
    Import-Module "$PSScriptRoot/TestHelper.psm1" -Force
    Import-BuiltModule

    # A site whose snapshots are not where the job looks: every device fails.
    $script:wrong = Join-Path $TestDrive 'wrong.json'
    $script:right = Join-Path $TestDrive 'right.json'
    '{ "paths": { "snapshot": "/api/v1/nothing/{id}" } }' | Set-Content $wrong
    '{ }' | Set-Content $right

    function Initialize-FailingStore {
        param([string] $Path, [hashtable] $Job = @{})

        $null = $site | New-AlloyScanSyncJob HQ -Store $Path -ApiProfilePath $wrong @Job
        $Path
    }

    $script:site = Start-AlloyScanSampleSite -Devices 20
}

AfterAll {
    Stop-AlloyScanSampleSite $site
}

Describe 'Devices that fail' {
    BeforeAll {
        $store = Initialize-FailingStore (Join-Path $TestDrive 'failing.db') @{ ParkAfter = 2 }
        $first = Invoke-AlloyScanSync HQ -Store $store 3>$null
        $second = Invoke-AlloyScanSync HQ -Store $store 3>$null
        $third = Invoke-AlloyScanSync HQ -Store $store -WarningVariable warnings 3>$null
    }

    It 'are errors with stage, error ID and attempts' {
        $first.Errors | Should -BeGreaterThan 10
        $failed = Get-AlloyScanSyncError $second.Id -Store $store | Select-Object -First 1
        "$($failed.Stage) $($failed.ErrorId) $($failed.Attempts) $($failed.Parked)" | Should -Be 'Read SnapshotNotFound 2 True'
        (Get-AlloyScanSyncError $first.Id -Store $store).Parked | Should -Not -Contain $true
    }

    It 'are parked when they failed too often, and said' {
        "$($third.Status) $($third.Errors) $($third.Parked)" | Should -Be "Succeeded 0 $($second.Errors)"
        "$warnings" | Should -Match 'devices are parked after 2 or more failed runs in a row'
        @(Get-AlloyScanSyncError -Parked -Store $store).Count | Should -Be $third.Parked
        @($second | Get-AlloyScanSyncError -Parked).Count | Should -Be $third.Parked
        @($first | Get-AlloyScanSyncError -Parked).Count | Should -Be 0
    }

    It 'are checked by Test-AlloyScanSync' {
        $check = Test-AlloyScanSync HQ -Store $store | Where-Object Check -eq 'Parked devices'
        "$($check.Verdict) $($check.Actual)" | Should -Be "Warning $($third.Parked)"
        $check.Advice | Should -Match 'Invoke-AlloyScanSync HQ -ErrorsOnly'
    }

    It 'can be rehearsed and tried again alone' {
        Set-AlloyScanSyncJob HQ -ApiProfilePath $right -Store $store
        @(Invoke-AlloyScanSync HQ -ErrorsOnly -WhatIf -Store $store).Count | Should -BeGreaterThan 0
        @(Get-AlloyScanSyncError -Parked -Store $store).Count | Should -Be $third.Parked

        $replay = Invoke-AlloyScanSync HQ -ErrorsOnly -Store $store
        "$($replay.Kind) $($replay.Status) $($replay.DevicesRead)" | Should -Be "Replay Succeeded $($third.Parked)"
        $replay.Created | Should -BeGreaterThan 0
        $replay.Message | Should -Match 'devices that had failed were tried again'
        Get-AlloyScanSyncError -Parked -Store $store | Should -BeNullOrEmpty

        (Get-AlloyScanSyncJob HQ -Store $store | Invoke-AlloyScanSync -ErrorsOnly).Message | Should -Match 'nothing to try again'
    }
}

Describe '-ErrorsOnly' {
    BeforeAll {
        $store = Initialize-FailingStore (Join-Path $TestDrive 'only.db') @{ ParkAfter = 0 }
        $null = Invoke-AlloyScanSync HQ -Store $store 3>$null
    }

    It 'takes a run by number' {
        "$((Invoke-AlloyScanSync HQ -ErrorsOnly -RunId 1 -Store $store 3>$null).Kind)" | Should -Be 'Replay'
        Get-ErrorId { Invoke-AlloyScanSync HQ -ErrorsOnly -RunId 99 -Store $store } | Should -Be 'RunNotFound'
    }

    It 'goes not together with -Full' {
        { Invoke-AlloyScanSync HQ -ErrorsOnly -Full -Store $store } | Should -Throw '*Parameter set*'
    }

    It 'knows 0 as never parked' {
        (Get-AlloyScanSyncJob HQ -Store $store).ParkAfter | Should -Be 0
        1..6 | ForEach-Object { (Invoke-AlloyScanSync HQ -Store $store 3>$null).Parked } | Should -Be (@(0) * 6)
        Set-AlloyScanSyncJob HQ -ParkAfter 3 -Store $store
        (Get-AlloyScanSyncJob HQ -Store $store).ParkAfter | Should -Be 3
        (Export-AlloyScanSyncJob HQ -Store $store | ConvertFrom-Json).job.parkAfter | Should -Be 3
    }
}
