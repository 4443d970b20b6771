BeforeAll {
    Import-Module $PSScriptRoot/TestHelper.psm1 -Force
    Import-BuiltModule
    $site = Start-AlloyScanSampleSite -Devices 100
    $null = $site | Connect-AlloyScan
    $store = Join-Path $TestDrive 'lifecycle.db'
    $null = New-AlloyScanSyncJob HQ -MissingDevice Retire -RetireAfterRuns 2 -RetireAfterDays 0 -Store $store
    $null = Invoke-AlloyScanSync HQ -Store $store

}

AfterAll {
    Get-AlloyScanConnection | Disconnect-AlloyScan
    Stop-AlloyScanSampleSite
}

Describe 'Job options for missing devices and deleted CIs' {
    It 'are shown and changed' {
        $job = Get-AlloyScanSyncJob HQ -Store $store
        "$($job.MissingDevice) $($job.RetireAfterRuns) $($job.RetireAfterDays) $($job.DeletedRecord)" | Should -Be 'Retire 2 0 Ask'
        $job | Set-AlloyScanSyncJob -DeletedRecord Recreate
        (Get-AlloyScanSyncJob HQ -Store $store).DeletedRecord | Should -Be 'Recreate'
    }

    It 'are refused out of their range' {
        Get-ErrorId { Set-AlloyScanSyncJob HQ -RetireAfterRuns 0 -Store $store } | Should -BeIn 'InvalidJob', 'ParameterArgumentValidationError'
    }
}

Describe 'Retirement for absence' {
    It 'retires the CI of a device that stays away, and shows it first' {
        $gone = Get-AlloyCmdbComputer -Store $store | Select-Object -First 1
        Hide-SampleDevice $site $gone.DeviceId
        (Invoke-AlloyScanSync HQ -Store $store).Missing | Should -Be 1

        $planned = Invoke-AlloyScanSync HQ -Store $store -WhatIf | Where-Object RecordId -eq $gone.Id
        "$($planned.Action) $($planned.Fields)" | Should -Be 'Retire status: Auto-Added -> Retired'
        (Invoke-AlloyScanSync HQ -Store $store).Retired | Should -Be 1
        (Get-AlloyCmdbComputer -Id $gone.Id -Store $store).Status | Should -Be 'Retired'
        (Get-AlloyScanSyncChange -RecordId $gone.Id -Store $store | Select-Object -Last 1).Action | Should -Be 'Retire'
        Get-AlloyCmdbInstallation -ComputerId $gone.Id -Store $store | Should -BeNullOrEmpty
    }
}

Describe 'A retired CI' {
    BeforeAll {
        $retired = Get-AlloyCmdbComputer -Store $store | Select-Object -Last 1
        $retired | Set-AlloyCmdbComputer -Status Retired
    }

    It 'refuses an edit, directly and from the pipeline' {
        Get-ErrorId { Set-AlloyCmdbComputer $retired.Id -AssetTag A-9 -Store $store } | Should -Be 'RecordRetired'
        Get-ErrorId { $retired | Set-AlloyCmdbComputer -AssetTag A-9 } | Should -Be 'RecordRetired'
        (Get-AlloyCmdbComputer -Id $retired.Id -Store $store).AssetTag | Should -Be $retired.AssetTag
    }

    It 'takes an edit that takes it back' {
        (Set-AlloyCmdbComputer $retired.Id -Status 'In Use' -AssetTag A-9 -Store $store -PassThru).AssetTag | Should -Be 'A-9'
    }

    It 'is as read-only when it is hardware' {
        $item = Get-AlloyCmdbHardware -Store $store | Select-Object -First 1
        $item | Set-AlloyCmdbHardware -Status Retired
        Get-ErrorId { $item | Set-AlloyCmdbHardware -Model X } | Should -Be 'RecordRetired'
    }
}
