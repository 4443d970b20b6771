BeforeAll {
    Import-Module $PSScriptRoot/TestHelper.psm1 -Force
    Import-BuiltModule
    # Large enough that nothing ends by itself while a test looks at it.
    $large = Start-AlloyScanSampleSite -Devices 200000
}

AfterAll {
    Stop-AlloyScanSampleSite
}

Describe 'Ctrl+C' {
    It 'stops <Name> within a second' -ForEach @(
        @{ Name = 'Get-AlloyScanDevice'; Script = 'param($site, $store) $null = $site | Connect-AlloyScan; Get-AlloyScanDevice' }
        @{ Name = 'Get-AlloyScanSnapshot'; Script = 'param($site, $store) $null = $site | Connect-AlloyScan; Get-AlloyScanDevice | Get-AlloyScanSnapshot' }
        @{ Name = 'Get-AlloyScanSyncPlan'; Script = 'param($site, $store) $null = $site | New-AlloyScanSyncJob Large -Store $store; Get-AlloyScanSyncPlan Large -Store $store' }
        @{ Name = 'Invoke-AlloyScanSync'; Script = 'param($site, $store) $null = $site | New-AlloyScanSyncJob Large -Store $store; Invoke-AlloyScanSync Large -Store $store' }
        @{ Name = 'Invoke-AlloyScanSync -WhatIf'; Script = 'param($site, $store) $null = $site | New-AlloyScanSyncJob Large -Store $store; Invoke-AlloyScanSync Large -Store $store -WhatIf' }
    ) {
        $store = Join-Path $TestDrive "$([guid]::NewGuid()).db"
        $result = Invoke-AndStop $Script -After ([timespan]::FromSeconds(2)) -ArgumentList $large, $store
        $result.WasRunning | Should -BeTrue
        $result.State | Should -Be 'Stopped'
        $result.Elapsed.TotalSeconds | Should -BeLessThan 1
        $result.Errors | Should -BeNullOrEmpty
    }

    It 'leaves the run as Canceled, and the next run goes on' {
        $store = Join-Path $TestDrive 'canceled.db'
        # Many more than are synced before it is stopped.
        $site = Start-AlloyScanSampleSite -Devices 12000
        $null = $site | New-AlloyScanSyncJob HQ -Store $store
        $result = Invoke-AndStop "Invoke-AlloyScanSync HQ -Store '$store'" -After ([timespan]::FromSeconds(1.5))
        $result.WasRunning | Should -BeTrue
        $canceled = Get-AlloyScanSyncRun HQ -Store $store
        $canceled.Status | Should -Be 'Canceled'
        $next = Invoke-AlloyScanSync HQ -Store $store
        $next.Status | Should -BeIn 'Succeeded', 'PartiallySucceeded'
        $canceled.Created + $next.Created | Should -Be (@(Get-AlloyCmdbComputer -Store $store).Count + @(Get-AlloyCmdbHardware -Store $store).Count)
        Stop-AlloyScanSampleSite $site
    }
}

Describe 'Ctrl+C on a store with much in it' {
    BeforeAll {
        $store = Join-Path $TestDrive 'much.db'
        $site = Start-AlloyScanSampleSite -Devices 10000
        $null = $site | New-AlloyScanSyncJob HQ -Store $store
        $null = Invoke-AlloyScanSync HQ -Store $store
        Stop-AlloyScanSampleSite $site
    }

    It 'stops a rehearsal of other rules within a second' {
        $result = Invoke-AndStop "Test-AlloyScanIdentification -Rule 'Computer: Name matches', 'Computer: MacAddress matches' -Store '$store'" -After ([timespan]::FromSeconds(0.4))
        $result.WasRunning | Should -BeTrue
        $result.State | Should -Be 'Stopped'
        $result.Elapsed.TotalSeconds | Should -BeLessThan 1
        $result.Errors | Should -BeNullOrEmpty
    }

    It 'stops an undo within a second, and the same undo finishes it' {
        $result = Invoke-AndStop "Undo-AlloyScanSync HQ -Confirm:`$false -Store '$store'" -After ([timespan]::FromSeconds(0.7))
        $result.WasRunning | Should -BeTrue
        $result.Elapsed.TotalSeconds | Should -BeLessThan 1
        $canceled = Get-AlloyScanSyncRun HQ -Store $store | Select-Object -First 1
        "$($canceled.Kind) $($canceled.Status)" | Should -Be 'Undo Canceled'
        @(Get-AlloyCmdbComputer -Store $store).Count | Should -BeGreaterThan 0

        $null = Undo-AlloyScanSync HQ -Confirm:$false -Store $store 3>$null
        "$((Get-AlloyScanSyncRun HQ -Store $store | Select-Object -First 1).Status)" | Should -Be 'Succeeded'
        @(Get-AlloyCmdbComputer -Store $store).Count + @(Get-AlloyCmdbHardware -Store $store).Count + @(Get-AlloyScanLink -Store $store).Count | Should -Be 0
        @(Get-AlloyCmdbSoftwareProduct -Store $store).Count | Should -Be 0
    }
}

Describe 'Select-Object -First' {
    It 'stops a plan that it has seen enough of' {
        $store = Join-Path $TestDrive 'first.db'
        $null = $large | New-AlloyScanSyncJob Large -Store $store
        $null = $large | Connect-AlloyScan -Name large
        $watch = [System.Diagnostics.Stopwatch]::StartNew()
        @(Get-AlloyScanDevice -Connection large | Select-Object -First 1).Count | Should -Be 1
        $watch.Elapsed.TotalSeconds | Should -BeLessThan 2
        Disconnect-AlloyScan large
    }

    It 'leaves the session usable' {
        $null = $large | Connect-AlloyScan -Name large
        1..20 | ForEach-Object { @(Get-AlloyScanDevice -Connection large | Select-Object -First 1).Count } | Should -Be (@(1) * 20)
        Disconnect-AlloyScan large
    }
}

Describe '-ErrorAction Stop' {
    It 'stops at the first failed item' {
        $null = $large | Connect-AlloyScan -Name large
        $seen = [System.Collections.Generic.List[object]]::new()
        { Get-AlloyScanDevice -DeviceId none, other -Connection large -ErrorAction Stop | ForEach-Object { $seen.Add($_) } } | Should -Throw "*'none'*"
        $seen.Count | Should -Be 0
        Disconnect-AlloyScan large
    }
}
