BeforeAll {
    Import-Module $PSScriptRoot/TestHelper.psm1 -Force
    Import-BuiltModule
    $site = Start-AlloyScanSampleSite -Devices 60
    $null = $site | Connect-AlloyScan
    $store = Join-Path $TestDrive 'groups.db'
    # A narrower choice takes software from every computer, which the guard would hold for approval.
    $job = New-AlloyScanSyncJob HQ -GuardLimit @{ Removal = '1000, 100 %' } -Store $store
    $null = Invoke-AlloyScanSync HQ -Store $store
}

AfterAll {
    Get-AlloyScanConnection | Disconnect-AlloyScan
    Stop-AlloyScanSampleSite
}

Describe 'Get-AlloyScanSoftwareGroup' {
    It 'shows three tracked groups a site, in all forms of naming it' {
        $all = Get-AlloyScanSoftwareGroup -Store $store
        $all.SoftwareGroup | Should -Be 'Required', 'Forbidden', 'Regular'
        $all.Tracked | Should -Be $true, $true, $true
        $all[0].PSTypeNames[0] | Should -Be 'AlloyScan.Engine.Jobs.SoftwareGroupChoice'
        (Get-AlloyScanSoftwareGroup -Job HQ -Store $store).Count | Should -Be 3
        (Get-AlloyScanSoftwareGroup -Site $job.Site -Store $store).Count | Should -Be 3
        (Get-AlloyScanSyncJob -Store $store | Get-AlloyScanSoftwareGroup).Count | Should -Be 3
        (Get-AlloyScanSoftwareGroup regular, Required -Job HQ -Store $store).SoftwareGroup | Should -Be 'Required', 'Regular'
    }

    It 'reports a site or job that is not there' {
        Get-ErrorId { Get-AlloyScanSoftwareGroup -Site nowhere -Store $store } | Should -Be 'SiteNotFound'
        Get-ErrorId { Get-AlloyScanSoftwareGroup -Job none -Store $store } | Should -Be 'JobNotFound'
    }
}

Describe 'Set-AlloyScanSoftwareGroup' {
    AfterEach {
        Get-AlloyScanSoftwareGroup -Store $store | Set-AlloyScanSoftwareGroup -Tracked $true
    }

    It 'changes nothing with -WhatIf' {
        Set-AlloyScanSoftwareGroup Forbidden $false -Job HQ -Store $store -WhatIf
        (Get-AlloyScanSoftwareGroup Forbidden -Store $store).Tracked | Should -BeTrue
    }

    It 'sets by job, by site and from the pipeline' {
        Set-AlloyScanSoftwareGroup Forbidden -Tracked $false -Job HQ -Store $store | Should -BeNullOrEmpty
        (Get-AlloyScanSoftwareGroup Forbidden -Store $store).Tracked | Should -BeFalse
        (Set-AlloyScanSoftwareGroup Required $false -Site $job.Site -Store $store -PassThru).Tracked | Should -BeFalse
        (Get-AlloyScanSoftwareGroup Required, Forbidden -Store $store | Set-AlloyScanSoftwareGroup -Tracked $true -PassThru).Tracked | Should -Be $true, $true
        ($job | Set-AlloyScanSoftwareGroup Regular $false -PassThru).SoftwareGroup | Should -Be 'Regular'
    }

    It 'says what is wrong' {
        Get-ErrorId { Set-AlloyScanSoftwareGroup Forbidden $false -Store $store } | Should -Be 'SiteNotNamed'
        Get-ErrorId { Set-AlloyScanSoftwareGroup Forbidden $false -Site nowhere -Store $store } | Should -Be 'SiteNotFound'
        Get-ErrorId { Set-AlloyScanSoftwareGroup Required, Forbidden, Regular $false -Job HQ -Store $store } | Should -Be 'NoSoftwareGroupLeft'
        (Get-AlloyScanSoftwareGroup -Store $store).Tracked | Should -Not -Contain $false
    }

    It 'is acted on by the next run, without reading an audit when it is narrower' {
        $classified = @{}
        Get-AlloyScanSoftware | Where-Object SoftwareGroup -ne 'Regular' | ForEach-Object { $classified["$($_.Name)|$($_.Version)"] = $true }
        $before = @(Get-AlloyCmdbInstallation -Store $store)
        $wanted = @($before | Where-Object { $classified["$($_.Name)|$($_.Version)"] })
        Set-AlloyScanSoftwareGroup Regular $false -Job HQ -Store $store

        $plan = Invoke-AlloyScanSync HQ -Store $store -WhatIf
        ($plan | Measure-Object SoftwareRemoved -Sum).Sum | Should -Be ($before.Count - $wanted.Count)
        $run = Invoke-AlloyScanSync HQ -Store $store
        $run.InstallationsRemoved | Should -Be ($before.Count - $wanted.Count)
        $run.ApiCalls | Should -BeLessThan 6
        @(Get-AlloyCmdbInstallation -Store $store).Count | Should -Be $wanted.Count
        Get-AlloyCmdbSoftwareProduct -Store $store | Where-Object SoftwareGroup -notin 'Required', 'Forbidden' | Should -BeNullOrEmpty

        Set-AlloyScanSoftwareGroup Regular $true -Job HQ -Store $store
        $null = Invoke-AlloyScanSync HQ -Store $store
        @(Get-AlloyCmdbInstallation -Store $store).Count | Should -Be $before.Count
    }
}
